"""Moves image tags through Helm values in a GitOps repository, by GitLab merge request."""

__version__ = "0.1.0"
