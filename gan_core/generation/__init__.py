"""Images from a trained generator: samples, walks, inversion, animations, and the generator as a file."""
