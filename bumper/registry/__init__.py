"""Container registries: whether an image exists and which digest it has, with the user's credentials.

``resolve.resolve_all`` asks for many images at once, with the ``resolve.RegistryAccess`` that says how to reach them;
``credentials.find_credentials`` finds a login where Docker and GitLab CI keep it; ``events.read_push_event`` reads a
push notification, and ``pushed_image.match_pushed`` finds the image that it means.
"""
