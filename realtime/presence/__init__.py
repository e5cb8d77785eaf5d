"""Presence of users in scopes: the rules (pure) and the rows."""
