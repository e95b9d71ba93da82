"""Scores as pure functions of features."""
