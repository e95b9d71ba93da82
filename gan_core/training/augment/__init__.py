"""Augmentations that the discriminator sees, differentiable."""
