"""The model protocols: against a real socket, and the pure parts in tables."""
