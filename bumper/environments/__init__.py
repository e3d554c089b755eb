"""What the GitOps repository says: bumper.yaml, its layout, and the pins of an environment.

``repository.open_environment`` gives a command the environment (``layout.Environment``) with its pins
(``gather.Gathered``); ``config_models.Config`` is bumper.yaml. ``effective.running`` says what an application runs
once Helm has put its files together. ``selection`` narrows a request to applications and matches images across
registries. ``discovery`` is for repositories that nobody has described yet. Whatever is wrong in the repository is
raised as ``Refused``, with the file and what to do about it.
"""
