"""What was deployed before, as git and GitLab remember it; there is no database.

``record.Record`` is what bumper writes into commit trailers and merge request descriptions. ``past`` walks back through
the commits that changed files, ``changes`` finds the tags that they changed, and ``history`` makes an environment's
deployments of that. ``digests`` finds the digests that a promotion carries, ``newer_pipeline`` a bump that was faster,
``runs`` what an environment ran and since when, ``line`` when a commit landed. ``known_requests`` lists bumper's own
merge requests and decides whose record counts; ``watches`` says what became of a deployment. What reads the past is a
generator that reads on as far as its caller does; it raises ``LookedFarEnough`` before anybody would wait too long.
"""
