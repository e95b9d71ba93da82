"""Frozen feature networks that both discriminators and scores use."""
