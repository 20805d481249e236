"""The database engine of the records in a file."""
