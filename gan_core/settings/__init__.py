"""Typed training settings: their schema, what each family can do, which settings are refused, recipes."""
