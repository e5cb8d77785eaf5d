"""How long and how many: the limits of chat, as docs/protocol.md and docs/chat.md give them."""

from __future__ import annotations

STREAM_PREFIX = "room:"
# Who has written what no user wrote: an id that no user has.
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
MAX_PINS = 50
# As many as one socket follows at once: those in sight.
MAX_CARDS = 100
MAX_HISTORY = 200
DEFAULT_HISTORY = 50
# Above so many people @all asks for `confirm: true`.
CONFIRM_ABOVE = 20
# A `typing` counts for so many seconds; repeated ones are passed on at most every so many.
TYPING_SECONDS = 6.0
TYPING_EVERY = 2.0
