"""A folder of runs over time: series of every point, where they shifted, and the trend page."""
