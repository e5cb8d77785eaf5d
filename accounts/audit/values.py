"""Values of audit entries: small, JSON-compatible, and free of secrets."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import islice
from typing import Any, TypedDict

from realtime.protocol import rfc3339

HIDDEN = "••••"
MAX_TEXT = 300
MAX_ITEMS = 50
# Fields with these names hold secrets, at any depth.
_SECRET = re.compile(r"passw|passphrase|secret|credential|token$|hash$|(^|_)key$|cookie|authoriz")
_CREDENTIALS_IN_ADDRESS = re.compile(r"(?<=://)[^/@\s]+(?=@)")


class Change(TypedDict):
    """The old and new value of one changed field."""

    old: Any
    new: Any


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Change]:
    """Return the fields of `new` whose values differ from `old`, as details of an entry."""
    return {
        field: Change(old=old.get(field), new=value)
        for field, value in new.items()
        if old.get(field) != value
    }


def plain(value: Any, field: str = "") -> Any:
    """Return a value as an entry stores it: cut to size, and hidden if `field` names a secret."""
    if _is_change(value):
        return {key: plain(part, field) for key, part in value.items()}
    if value in (None, "", HIDDEN):
        return value
    if _SECRET.search(field.lower()):
        return HIDDEN
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return {
            plain_text(key): plain(part, str(key)) for key, part in islice(value.items(), MAX_ITEMS)
        }
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [plain(part, field) for part in islice(value, MAX_ITEMS)]
    return plain_text(value)


def plain_text(value: Any, most: int = MAX_TEXT) -> str:
    """Return text that any database accepts: at most `most` characters, URLs without passwords."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    text = str(value).replace("\0", "").encode(errors="replace").decode()
    text = _CREDENTIALS_IN_ADDRESS.sub(HIDDEN, text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _is_change(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"old", "new"}
