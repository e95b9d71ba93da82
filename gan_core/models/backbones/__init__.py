"""Feature networks that both discriminators and evaluation use."""
