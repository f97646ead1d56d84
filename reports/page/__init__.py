"""The page: one HTML file of runs that works offline."""
