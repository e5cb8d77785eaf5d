"""Limits of chat, as in docs/protocol/chat.md and docs/chat.md."""

from __future__ import annotations

STREAM_PREFIX = "room:"
# The author of messages that no user wrote; no user has this id.
SYSTEM_USER_ID = 0
SYSTEM_NAME = "Pitwall"
ROOM_SLUG = "[a-z0-9][a-z0-9_-]*"
MAX_SLUG_LENGTH = 64
MAX_NAME_LENGTH = 100
MAX_TOPIC_LENGTH = 250
MAX_TEXT_LENGTH = 16_000
MAX_CLIENT_ID_LENGTH = 64
MAX_EMOJI_LENGTH = 32
MAX_DISTINCT_REACTIONS = 20
MAX_ATTACHMENTS = 10
MAX_REACTIONS_EACH = 10
MAX_PINS = 50
# Cards that one socket may follow at once: those in view.
MAX_CARDS = 100
MAX_HISTORY = 200
DEFAULT_HISTORY = 50
# @all requires `confirm: true` if it calls more users than this.
CONFIRM_ABOVE = 20
# Seconds for which a `typing` is shown, and the least interval at which it is forwarded.
TYPING_SECONDS = 6.0
TYPING_EVERY = 2.0
