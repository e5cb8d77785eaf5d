"""Secrets that are shown once: how they look, and the only form in which they are kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

API_TOKEN_PREFIX = "pw_"


@dataclass(frozen=True)
class Key:
    """A new secret: `plain` goes to its owner and nowhere else, `hash` into the database."""

    plain: str = field(repr=False)
    prefix: str
    hash: str


def new_api_token() -> Key:
    """A token as `pw_<8 hex digits to know it by>_<256 random bits>`."""
    prefix = f"{API_TOKEN_PREFIX}{secrets.token_hex(4)}"
    plain = f"{prefix}_{secrets.token_urlsafe(32)}"
    return Key(plain=plain, prefix=prefix, hash=digest(plain))


def new_ticket() -> Key:
    """A ticket of 256 random bits."""
    plain = secrets.token_urlsafe(32)
    return Key(plain=plain, prefix="", hash=digest(plain))


def digest(plain: str) -> str:
    """SHA-256 in hex. No salt, no stretching: the secret itself has 256 bits."""
    return hashlib.sha256(plain.encode()).hexdigest()
