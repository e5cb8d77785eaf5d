"""The addresses of a server: the WebSocket endpoint as it was given, and what follows from it."""

from collections.abc import Mapping
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

SCHEMES = {"ws": "http", "wss": "https"}


def check_endpoint(url: str) -> str:
    """Return the address of an endpoint.

    Raises:
        ValueError: it is not a `ws://` or `wss://` address with a host. The message does not
            repeat the address, which may hold a password or a ticket.
    """
    if urlsplit(url).scheme not in SCHEMES or not urlsplit(url).hostname:
        raise ValueError("an endpoint's address begins with ws:// or wss://, and names a host")
    return url


def api_of(url: str) -> str:
    """Return the address of the REST API beside a WebSocket endpoint."""
    parts = urlsplit(url)
    before, _, _ = parts.path.rpartition("/ws/")
    return urlunsplit((SCHEMES[parts.scheme], parts.netloc, f"{before}/api/v1/", "", ""))


def with_query(url: str, query: Mapping[str, str]) -> str:
    """Return an address with further query parameters."""
    parts = urlsplit(url)
    joined = "&".join(filter(None, (parts.query, urlencode(query))))
    return urlunsplit(parts._replace(query=joined))


def without(url: str, name: str) -> str:
    """Return an address without a query parameter."""
    parts = urlsplit(url)
    left = [(key, value) for key, value in parse_qsl(parts.query) if key != name]
    return urlunsplit(parts._replace(query=urlencode(left)))


def parameter(url: str, name: str) -> str | None:
    """Return the last value of a query parameter, or None."""
    values = parse_qs(urlsplit(url).query).get(name)
    return values[-1] if values else None
