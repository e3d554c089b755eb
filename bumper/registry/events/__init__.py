"""Push notifications of registries: which images were pushed.

``read.read_push_event`` recognises a registry by the notification's form and returns ``notification.PushedImage``
values, ``read.match_pushed`` matches them with images. A registry's form is a model in ``self_hosted`` or ``hosted``.
"""
