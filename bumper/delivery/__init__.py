"""A proposal becomes a branch, a merge request (or a direct commit), a merge and a rollout.

``deliver.deliver`` is the way itself: it pushes, closes what the request supersedes, and waits as long as it was asked
to; ``retry.remake_after_lost_push`` makes the proposal again from the new tip when somebody else pushed first.
``session.Session`` is what one run has at hand, ``options.DeliveryOptions`` how the proposal is to be delivered, and
``result.Result`` what it came to. ``superseded`` answers whether a newer pipeline was here already,
and ``watched.deliver_watched`` adds what comes after the merge: ``watch`` looks at Argo CD until it is well or sick.
``rollout.find_unhealthy`` asks Argo CD before a promotion, and ``source_commits`` lists what is in a new image.
"""
