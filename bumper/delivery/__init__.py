"""A proposal becomes a branch, a merge request (or a direct commit), a merge and a rollout.

``attempt.Attempt`` is what is changed, with which ``attempt.DeliveryOptions``, in which ``attempt.Session``;
``attempt.remake_after_lost_push`` makes it again from the new tip when others pushed first. ``result.Result`` is
what it came to (``superseded.find_superseded``: a newer pipeline was here already). ``watched.deliver_watched`` is
the way of every command that changes an environment: ``deliver.deliver`` pushes, closes what the request supersedes and
waits as long as it was asked to, then ``watch.watch`` looks at Argo CD until it is well or sick.
``watch.find_unhealthy`` asks Argo CD before a promotion.
"""
