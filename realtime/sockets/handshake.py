"""The WebSocket upgrade request: its credentials, origin, and options in the query string."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.http import parse_cookie

from realtime.auth import Credentials
from realtime.fanout.connection import Peer
from realtime.fanout.frames import Format
from realtime.sessions.endings import Ending
from realtime.translations import wanted_language

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def peer(scope: Scope) -> Peer:
    """Return the client's address (as a trusted proxy reports it), program and endpoint."""
    agent = (header(scope, b"user-agent") or "")[:300]
    return Peer(address=address(scope), user_agent=agent, endpoint=scope.get("path", ""))


def address(scope: Scope) -> str:
    """Return the client's address; empty if the server does not know it."""
    host, _ = scope.get("client") or ("", 0)
    return str(host)


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first header of that (lower-case) name."""
    for key, value in scope.get("headers", ()):
        if key == name:
            return str(value.decode("latin-1"))
    return None


def query(scope: Scope) -> dict[str, str]:
    """Return the query string's last value for each name."""
    if not scope.get("query_string"):
        return {}
    parsed = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return {name: values[-1] for name, values in parsed.items()}


def credentials(scope: Scope) -> Credentials:
    """Return the request's credentials: bearer token before ticket before session cookie."""
    asked = query(scope)
    workspace = asked.get("workspace") or None
    authorization = header(scope, b"authorization") or ""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return Credentials(bearer=token.strip(), workspace=workspace)
    if ticket := asked.get("ticket"):
        return Credentials(ticket=ticket, workspace=workspace)
    cookies = parse_cookie(header(scope, b"cookie") or "")
    session_key = cookies.get(settings.SESSION_COOKIE_NAME) or None
    return Credentials(session_key=session_key, workspace=workspace)


def language(scope: Scope) -> str:
    """Return the client's language: that of its cookie, else the first one that it accepts."""
    return wanted_language(scope.get("headers", ()))


def wanted_format(scope: Scope) -> Format:
    """Return the format in which the client asks to get messages: `?batch=1`, `?compress=zlib`."""
    asked = query(scope)
    wanted = Format.PLAIN
    if asked.get("batch") == "1":
        wanted |= Format.BATCH
    if asked.get("compress") == "zlib":
        wanted |= Format.COMPRESS
    return wanted


def shows_anything(shown: Credentials) -> bool:
    return bool(shown.bearer or shown.ticket or shown.session_key)


def origin_allowed(scope: Scope) -> bool:
    """Return whether a page may open this socket: same scheme, host and port, or listed.

    Programs send no Origin; browsers always do (RFC 6455, section 10.2). CSRF_TRUSTED_ORIGINS are
    this installation's own addresses, which a proxy may hide from the request.
    """
    origin = header(scope, b"origin")
    if origin is None:
        return True
    if origin in settings.CORS_ALLOWED_ORIGINS or origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        shown = urlsplit(origin)
        shown_port = shown.port
    except ValueError:
        return False
    scheme = {"ws": "http", "wss": "https"}.get(scope.get("scheme", "ws"), "http")
    expected = urlsplit(f"{scheme}://{header(scope, b'host') or ''}")
    ports = {"http": 80, "https": 443}
    try:
        expected_port = expected.port
    except ValueError:
        return False
    return (
        shown.scheme == scheme
        and shown.hostname is not None
        and shown.hostname == expected.hostname
        and (shown_port or ports[scheme]) == (expected_port or ports[scheme])
    )


async def refuse(scope: Scope, send: Send, ending: Ending) -> None:
    """Answer an upgrade with an ending's HTTP status; if the server cannot, close the socket."""
    temporary = ending.retry_after is not None
    if "websocket.http.response" in scope.get("extensions", {}):
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        if temporary:
            headers.append((b"retry-after", str(ending.retry_after).encode()))
        start = {"type": "websocket.http.response.start", "status": ending.status}
        await send(start | {"headers": headers})
        await send({"type": "websocket.http.response.body", "body": ending.reason.encode()})
        return
    if temporary:
        # Closing before the upgrade is done would send a 403, which means something else.
        await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": int(ending.code), "reason": ending.reason})
