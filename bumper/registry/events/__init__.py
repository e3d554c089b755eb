"""Push notifications of registries: which images were pushed."""
