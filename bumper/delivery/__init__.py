"""A proposal becomes a branch, a merge request (or a direct commit), a merge and a rollout.

``watched.deliver_watched`` is the way of every command that changes an environment: ``deliver.deliver`` pushes, closes
what the request supersedes and waits as long as it was asked to, then ``watch`` looks at Argo CD until it is well or
sick. ``session.Session`` is what one run has at hand; ``session.remake_after_lost_push`` makes the proposal again from
the new tip when somebody else pushed first. ``options.DeliveryOptions`` is how the proposal is to be delivered, and
``result.Result`` what it came to. ``superseded`` answers whether a newer pipeline was here already,
``rollout.find_unhealthy`` asks Argo CD before a promotion, and ``proposal_text`` lists what is in a new image.
"""
