"""Benchmarks of every registered attention: `pytest --benchmark-only bench/suite`."""
