"""Searching messages: what a query means, and the index behind it."""
