"""This computer: its devices, the speed of recipes on it, and the support bundle."""
