"""Chunk sizes of devices that were measured, one JSON file a profile; read by
`hatrick.chunk_size.store`."""
