"""Bare repositories by git's plumbing, without a work tree: ``repository`` (refs, objects, new commits), ``history``
(commits, trailers, differences) and ``merge`` (merge, squash, rebase). Nothing here knows of GitLab.
"""
