"""Texts of messages: checks, Markdown, emoji."""
