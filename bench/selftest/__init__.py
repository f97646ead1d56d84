"""Whether a machine, and this harness on it, are fit to measure: one file for each check."""
