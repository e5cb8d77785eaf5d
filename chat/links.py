"""URLs of rooms and messages on the site."""

from __future__ import annotations


def to_room(slug: str) -> str:
    return f"/chat/{slug}/"


def to_message(slug: str, sequence: int) -> str:
    return f"/chat/{slug}/?message={sequence}"
