"""Ways to add images of a class without a network."""
