"""The documents say what the server does."""
