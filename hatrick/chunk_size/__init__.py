"""Which chunk size to take: from what was measured on this device, else from a model."""
