"""GitLab's REST API: ``routes`` lists every address, and a module for each kind of resource holds its endpoints.

An endpoint takes a ``Call`` and returns an ``Answer``; failures are raised as ``behaviour.errors.GitLabError``. What an
endpoint answers is made in ``views`` and ``git_views``, with GitLab's own field names.
"""
