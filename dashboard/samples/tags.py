"""Tags, which tell the series of one metric apart: short names and texts. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping

# A series' tags in hashable form, sorted by name.
Tags = tuple[tuple[str, str], ...]
# The tag that names a series' source; set by the source itself.
SOURCE = "source"
MAX_TAGS = 8
MAX_VALUE_LENGTH = 64
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


def check(tags: object) -> dict[str, str]:
    """Check tags, and return them in the order of their names.

    Raises:
        ValueError: not an object of at most 8 short texts; the message is for the client.
    """
    if not isinstance(tags, Mapping):
        raise ValueError("Tags are an object of names and texts.")
    if len(tags) > MAX_TAGS:
        raise ValueError(f"A sample has at most {MAX_TAGS} tags.")
    for name, value in tags.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError("A tag's name is 1 to 32 of a-z, 0-9 and _, and starts with a letter.")
        if not isinstance(value, str) or not 0 < len(value) <= MAX_VALUE_LENGTH:
            raise ValueError(f"A tag's value is a text of 1 to {MAX_VALUE_LENGTH} characters.")
        if not value.isprintable():
            raise ValueError("A tag's value has printable characters only.")
    return {name: tags[name] for name in sorted(tags)}


def key(tags: Mapping[str, str]) -> str:
    """Return 32 hexadecimal digits, equal for equal tags whatever their order."""
    canonical = json.dumps(tags, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def beside_source(tags: Mapping[str, str]) -> Tags:
    """Return the tags of a source's series without the one that names the source."""
    return tuple(sorted((name, value) for name, value in tags.items() if name != SOURCE))
