"""What was deployed before, as git and GitLab remember it; there is no database.

``record.Record`` is what bumper writes into commit trailers and merge request descriptions. From such records,
``history`` reads an environment's deployments, ``newer_pipeline`` finds one that was faster, ``digests`` finds
the digests that a promotion carries, ``runs`` reads what an environment ran and ``line`` when it landed,
``tag_ages`` finds since when each tag has been there, and ``known_requests`` lists bumper's own merge requests and
decides whose record counts.
"""
