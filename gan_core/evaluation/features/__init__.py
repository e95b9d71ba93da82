"""Feature networks and the cache of their outputs."""
