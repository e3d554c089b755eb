"""GitLab's API for one project, and what ``git push`` says in GitLab's name. The only room that imports python-gitlab.

``connection.connect`` makes the one ``GitLab`` of a run, which is handed to everything else: ``merge_requests`` reads,
``merge_request_changes`` writes, ``merge_trains`` queues; ``commits`` and ``project`` read what their names say.
Failures that callers act on have names of their own (``connection.NotMergeable``, ``NotShown``, ``AlreadyThere``,
``Unauthorized``). ``push_options`` is for merge requests that are made without the API.
"""
