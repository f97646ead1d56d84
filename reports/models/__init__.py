"""What the measurements say as models: growth, crossovers, the best chunk size, rooflines."""
