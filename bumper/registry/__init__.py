"""Container registries: which digest an image is, with the user's credentials."""
