"""Names that people see: nothing in them hides, and none is empty to the eye. Pure.

Sources: Default_Ignorable_Code_Point and Bidi_Control of the Unicode Character Database;
UTS 36 (Unicode Security Considerations) on names that look like others.
"""

from __future__ import annotations

import re
import unicodedata

from accounts.folding import IGNORABLE, cap_marks

# They call everybody, here or in other products; nobody is called so.
RESERVED = frozenset({"all", "here", "everyone", "channel"})

# Blank though they are letters, symbols or marks.
_BLANK = f"{IGNORABLE}\u2800\U00016fe4\U0001d159\U0001d173-\U0001d17a"
_SEEN = re.compile(rf"[^\s{_BLANK}]")
# Format characters that are drawn: signs of numbers, of the end of a verse.
_DRAWN_FORMATS = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
)
# Some flags are spelled in tags. Nothing else in a name needs what is not drawn, but for the
# joiners and selectors of emoji and of scripts that shape their letters.
_FLAG = "\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"
_JOINED = "(?<=[^\x00-\u02ff])[\u200c\u200d]+(?=[^\x00-\u02ff])"
_HIDDEN = re.compile(
    f"({_FLAG}|{_JOINED}|[\ufe00-\ufe0f])|[{_BLANK}\x00-\x1f\x7f-\x9f\ufff9-\ufffb\ud800-\udfff]"
)


def is_visible(text: str) -> bool:
    """Whether anything of `text` can be seen: not spaces, controls and blank letters alone."""
    return any(
        unicodedata.category(match[0]) not in ("Cc", "Cf") or match[0] in _DRAWN_FORMATS
        for match in _SEEN.finditer(text)
    )


def clean_name(name: str) -> str:
    """`name` on one line, without what cannot be seen and without marks that turn its direction.

    Empty where nothing is left to see. Takes time in proportion to the name.
    """
    shown = _HIDDEN.sub(lambda match: match[1] or "", " ".join(name.split()))
    shown = " ".join(cap_marks(shown).split())
    return shown if is_visible(shown) else ""
