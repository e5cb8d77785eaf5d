"""What counts as one emoji: the only thing that people react with. Pure."""

from __future__ import annotations

import emoji

from chat.protocol import MAX_EMOJI_LENGTH


def is_emoji(text: str) -> bool:
    """Whether `text` is exactly one emoji of Unicode's list, with or without U+FE0F."""
    return len(text) <= MAX_EMOJI_LENGTH and emoji.is_emoji(text)
