"""What the GitOps repository says: bumper.yaml, the layout of its files, the pins and the rules of an environment.

``repository.open_environment`` gives a command the environment (``layout.Environment``) with its pins
(``gather.Gathered``); ``config_models.Config`` is bumper.yaml. ``selection`` narrows a request to applications,
``rules`` checks what may enter an environment, ``registries`` asks whether images exist, ``same_images`` and
``pushed_images`` match images across registries and from notifications. ``discovery`` is for repositories that nobody
has described yet.
"""
