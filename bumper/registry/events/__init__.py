"""Push notifications of registries: which images were pushed.

``read.read_push_event`` recognises a registry by the notification's form and returns ``pushed_image.PushedImage``
values, ``pushed_image.match_pushed`` matches them with images. A registry's form is a model in ``self_hosted`` or
``hosted``.
"""
