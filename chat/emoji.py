"""What counts as one emoji: the only thing that one reacts with. Pure.

Follows the shape of emoji in Unicode Technical Standard 51: pictographs with presentation and
skin tone, joined ones, flags, keycaps and tagged flags.
"""

from __future__ import annotations

import re

from chat.protocol import MAX_EMOJI_LENGTH

_PICTOGRAPH = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf"
    "\u2934\u2935\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa"
    "\U0001f400-\U0001faff]"
)
_TONE = "[\U0001f3fb-\U0001f3ff]"
_ELEMENT = f"{_PICTOGRAPH}\ufe0f?{_TONE}?"
_TAGS = "[\U000e0020-\U000e007e]+\U000e007f"
_EMOJI = re.compile(
    f"(?:{_ELEMENT}(?:{_TAGS})?(?:\u200d{_ELEMENT})*"
    "|[\U0001f1e6-\U0001f1ff]{2}"
    "|[0-9#*]\ufe0f?\u20e3)"
)


def is_emoji(text: str) -> bool:
    """Whether `text` is exactly one emoji."""
    return len(text) <= MAX_EMOJI_LENGTH and _EMOJI.fullmatch(text) is not None
