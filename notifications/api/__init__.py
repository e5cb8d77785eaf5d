"""REST: a user's notifications, sending them, and messages to connected users."""
