"""The harness: from a sweep's spec to one record a point, and the command line."""
