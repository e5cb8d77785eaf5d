"""The text of messages: what may be sent, Markdown, emoji."""
