"""What a GitOps repository holds before anybody has described it: environments, bases, Argo CD's manifests.

``survey.survey`` finds environments and applications by the repository's paths, ``manifests`` and ``applications`` read
what Argo CD deploys, ``init_text`` writes a bumper.yaml from both, ``trial`` tries it out before anybody sees it, and
``coverage`` compares a bumper.yaml with what is deployed. For ``bumper init`` and ``bumper doctor``.
"""
