"""Where on the site a room or a message is."""

from __future__ import annotations


def to_room(slug: str) -> str:
    return f"/chat/{slug}/"


def to_message(slug: str, sequence: int) -> str:
    return f"/chat/{slug}/?message={sequence}"
