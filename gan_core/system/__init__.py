"""This computer: what it has, how fast it is, the support bundle."""
