"""What a GitOps repository holds before anybody has described it: environments, applications, bases. Pure.

``survey.survey`` looks through a ``generators.Tree`` and gives a ``found.Survey``; ``init_text.try_out`` writes the
bumper.yaml for it and says what bumper finds with that. ``manifests.read_manifests`` reads Argo CD's Applications and
ApplicationSets, ``manifests.expand`` makes of them what Argo CD would deploy, and ``survey.compare_coverage`` compares
that with the environments there are.

The way of a survey: ``candidates`` are the files that may be values, and the places in their paths that may hold an
environment's name; ``ranks`` and ``environments`` choose among these, ``placing`` finds the application in the rest of
the path, and ``bases`` and ``patterns`` write patterns for what was found.
"""
