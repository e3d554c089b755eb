"""What a GitOps repository holds before anybody has described it: environments, applications, bases. Pure.

``survey.survey`` looks through a ``tree.Tree`` and gives a ``survey.Survey``; ``init_text.try_out`` writes the
bumper.yaml for it and says what bumper finds with that. ``manifests.read_manifests`` reads Argo CD's Applications and
ApplicationSets, ``manifests.expand`` makes of them what Argo CD would deploy, and ``survey.compare_coverage`` compares
that with the environments there are.

The way of a survey: ``tree.find_candidates`` finds the files that may be values, ``places.slots_of`` where their paths
may hold an environment's name; ``environments`` chooses among these, ``places.find_places`` finds the application in
the rest of the path, and ``patterns`` finds the bases and writes patterns for all of it.
"""
