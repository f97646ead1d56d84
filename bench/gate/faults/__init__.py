"""Faults that a gate must catch: each module is a plug-in that spoils HATrick when it is loaded."""

SLOWER = {"cpu": 0.10, "cuda": 0.03}
"""By which share of its own time `slower` makes it slower."""
