"""What a race among chunk sizes says: which one to use, on what evidence, and how sure that is."""
