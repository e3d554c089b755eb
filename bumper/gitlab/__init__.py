"""GitLab's API for one project. The only room that imports python-gitlab.

``connection.connect`` makes the one ``GitLab`` of a run, which is handed to everything else: ``merge_requests`` reads,
changes and merges them, ``project`` reads settings, commits and pushes. Failures that callers act on have their own
names (``connection.NotMergeable``, ``NotShown``, ``AlreadyThere``, ``Unauthorized``).
"""
