"""Check for a single emoji, the only thing allowed as a reaction. Pure."""

from __future__ import annotations

import emoji

from chat.protocol import MAX_EMOJI_LENGTH

# By what remains without U+FE0F, the form of each that Unicode calls fully qualified.
_KNOWN = {
    written.replace("\ufe0f", ""): written
    for written, facts in emoji.EMOJI_DATA.items()
    if facts["status"] <= emoji.STATUS["fully_qualified"]
}


def canonical(text: str) -> str | None:
    """Return the fully qualified form of an emoji, as UTS 51 calls it: the only one that is stored.

    None if `text` is not exactly one emoji of Unicode's list, with or without U+FE0F.
    """
    return _KNOWN.get(text.replace("\ufe0f", "")) if len(text) <= MAX_EMOJI_LENGTH else None
