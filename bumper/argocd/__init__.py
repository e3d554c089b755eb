"""Argo CD: what it runs, and whether it is healthy.

``server.connect_to_argocd`` gives an ``ArgoServer``, which reads an application as it is now; ``verdict.judge`` decides
from that answer whether an ``ExpectedImage`` is running and well, and ``verdict.Course`` what many answers come to.
"""
