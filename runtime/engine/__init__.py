"""The engine: takes a run from where it stands to where it has to wait or ends."""
