"""Notifications to users, and the live cards that apps put into conversations."""
