"""Functions that read and check one environment variable each.

They raise ImproperlyConfigured, with the name of the variable, if it is not valid.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def required(source: Mapping[str, str], name: str) -> str:
    value = source.get(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is required when DATABASE_URL or REDIS_URL is set.")
    return value


def words(source: Mapping[str, str], name: str) -> list[str]:
    return [word.strip() for word in source.get(name, "").split(",") if word.strip()]


def url(source: Mapping[str, str], name: str, schemes: set[str]) -> str | None:
    value = source.get(name)
    if not value:
        return None
    try:
        scheme = urlsplit(value).scheme
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is no URL: {error}") from error
    if scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must start with one of {sorted(schemes)} and ://.")
    return value


def origins(source: Mapping[str, str], name: str) -> list[str]:
    found = words(source, name)
    for origin in found:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path:
            raise ImproperlyConfigured(
                f"{name}: {origin!r} is no origin; write it as https://pitwall.example.com."
            )
    return found


def networks(source: Mapping[str, str], name: str) -> list[str]:
    found = words(source, name)
    for network in found:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name}: {error}; it takes addresses and networks such as 10.0.0.0/8."
            ) from error
    return found


def choice(source: Mapping[str, str], name: str, options: Sequence[str], default: str) -> str:
    value = source.get(name) or default
    if value not in options:
        raise ImproperlyConfigured(f"{name} is {value!r}: it takes {' or '.join(options)}.")
    return value


def flag(source: Mapping[str, str], name: str) -> bool:
    value = source.get(name, "0").strip().lower()
    if value in ("1", "true", "yes", "on"):
        return True
    if value in ("0", "false", "no", "off", ""):
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}: it takes 1 or 0.")


def number(source: Mapping[str, str], name: str, default: float) -> float:
    value = source.get(name)
    if not value:
        return default
    try:
        found = float(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {value!r}: it takes a number.") from error
    if not 0 < found < 1e9:
        raise ImproperlyConfigured(f"{name} is {value!r}: it takes a number above 0.")
    return found


def whole(source: Mapping[str, str], name: str, default: int, most: float = 1e9) -> int:
    found = number(source, name, default)
    if found != int(found) or found > most:
        raise ImproperlyConfigured(
            f"{name} is {source[name]!r}: it takes a whole number up to {most:.0f}."
        )
    return int(found)
