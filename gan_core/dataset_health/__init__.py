"""Faults of a dataset: how they are detected, described, excluded and removed by curating."""
