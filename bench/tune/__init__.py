"""Which chunk size is the best on this device: races, their confirmation, and the proof."""
