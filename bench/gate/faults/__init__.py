"""Faults that a gate must catch: each module has a `spoil`, which is put into HATrick's source."""

SLOWER = {"cpu": 0.10, "cuda": 0.03}
"""By which share of its own time `slower` makes it slower."""
