"""Metrics as live cards in conversations."""
