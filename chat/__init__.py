"""Team chat: rooms, messages, presence, attachments, search."""
