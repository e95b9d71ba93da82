"""Read the data that pages show; no torch, no writing."""
