"""Secrets that are shown once: their format, and the hash that is stored."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

API_TOKEN_PREFIX = "pw_"


@dataclass(frozen=True)
class Key:
    """A new secret: `plain` is for its owner only, `hash` is stored in the database."""

    plain: str = field(repr=False)
    prefix: str
    hash: str


def new_api_token() -> Key:
    """Return a token of the form `pw_<8 hex digits that identify it>_<256 random bits>`."""
    prefix = f"{API_TOKEN_PREFIX}{secrets.token_hex(4)}"
    plain = f"{prefix}_{secrets.token_urlsafe(32)}"
    return Key(plain=plain, prefix=prefix, hash=digest(plain))


def new_ticket() -> Key:
    """Return a ticket of 256 random bits."""
    plain = secrets.token_urlsafe(32)
    return Key(plain=plain, prefix="", hash=digest(plain))


def digest(plain: str) -> str:
    """Return SHA-256 in hex. It needs no salt or stretching: the secret has 256 bits."""
    return hashlib.sha256(plain.encode()).hexdigest()
