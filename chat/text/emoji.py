"""Check for a single emoji, the only thing allowed as a reaction. Pure."""

from __future__ import annotations

import emoji

from chat.protocol import MAX_EMOJI_LENGTH


def is_emoji(text: str) -> bool:
    """Return whether `text` is exactly one emoji of Unicode's list, with or without U+FE0F."""
    return len(text) <= MAX_EMOJI_LENGTH and emoji.is_emoji(text)
