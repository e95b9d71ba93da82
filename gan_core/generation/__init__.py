"""Images from a trained generator: samples, walks, inversion, animations, and exporting the model."""
