"""Limits of request bodies: how many bytes, from whom and where, decided before they are read.

Django receives a whole body before any view can refuse it: without a limit here, anybody could fill
memory and disk.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.urls import Resolver404, resolve
from rest_framework.parsers import MultiPartParser

from realtime.auth import authenticator
from realtime.database import threads
from realtime.database.threads import DATABASE_AWAY
from realtime.errors import Reason
from realtime.hub import get_hub
from realtime.server.refusals import Refusal
from realtime.sockets import handshake

logger = logging.getLogger(__name__)

UNAVAILABLE = Refusal(
    503, "unavailable", "The server cannot do this now: try again.", retry_after=1
)


class BodyLimit:
    """ASGI middleware: refuses bodies that are too large (413), or too large for strangers (401).

    A large body is taken only where files go, and only from who is signed in. One of unknown length
    is looked at when it exceeds what everybody may send.

    Args:
        inner: the application.
        largest: bytes of a body where files go; no other request needs as much.
    """

    def __init__(self, inner: Any, largest: int) -> None:
        self._inner = inner
        self._largest = largest

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        announced = handshake.header(scope, b"content-length") or "0"
        if announced.isdecimal():
            # More digits than any limit has.
            bytes_announced = int(announced[:18])
            if refusal := await self._refusal(scope, bytes_announced):
                await self._refuse(scope, send, refusal)
                return
        counted = _Counted(self, scope, receive, send)
        await self._inner(scope, counted.receive, counted.send)

    async def _refuse(self, scope: dict[str, Any], send: Any, refusal: Refusal) -> None:
        await refusal.send(send, scope["path"], handshake.language(scope))

    async def _refusal(self, scope: dict[str, Any], size: int) -> Refusal | None:
        """Return why a body of so many bytes is not taken; None if it is."""
        free = int(settings.REALTIME_LIMITS["max_anonymous_body_bytes"])
        if size <= free:
            return None
        limit = self._largest if takes_files(scope["path"]) else settings.MAX_BODY_BYTES
        if size > limit:
            return _too_large(limit)
        try:
            known = await _is_signed_in(scope)
        except DATABASE_AWAY as error:
            logger.warning("Nobody can be authenticated: %s", error)
            return UNAVAILABLE
        return None if known else _stranger(free)


class _Counted:
    """One request whose body is counted while it arrives."""

    def __init__(self, limit: BodyLimit, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self._limit = limit
        self._scope = scope
        self._receive = receive
        self._send = send
        self._free = int(settings.REALTIME_LIMITS["max_anonymous_body_bytes"])
        self._taken = 0
        self._allowed = self._free
        self._refused = False

    async def receive(self) -> dict[str, Any]:
        # To the application a refusal looks like a disconnect: it sends no response.
        if self._refused:
            return {"type": "http.disconnect"}
        message: dict[str, Any] = await self._receive()
        self._taken += len(message.get("body") or b"")
        if self._taken <= self._allowed:
            return message
        if refusal := await self._limit._refusal(self._scope, self._taken):
            self._refused = True
            await self._limit._refuse(self._scope, self._send, refusal)
            return {"type": "http.disconnect"}
        # Not looked up again for each piece.
        files = takes_files(self._scope["path"])
        self._allowed = self._limit._largest if files else settings.MAX_BODY_BYTES
        return message

    async def send(self, message: dict[str, Any]) -> None:
        if not self._refused:
            await self._send(message)


def takes_files(path: str) -> bool:
    """Return whether the view of that path takes uploads: its parsers include one of forms."""
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    parsers = getattr(getattr(view, "cls", None), "parser_classes", ())
    return any(issubclass(parser, MultiPartParser) for parser in parsers)


async def _is_signed_in(scope: dict[str, Any]) -> bool:
    # A ticket is for one socket, not for requests.
    shown = replace(handshake.credentials({**scope, "query_string": b""}), workspace=None)
    if shown.session_key is not None:
        return (await (await get_hub()).logins.find(shown)).principal is not None
    return shown.bearer is not None and await threads.call(authenticator(), shown) is not None


def _too_large(limit: int) -> Refusal:
    detail = Reason("A request may have at most %(most)d bytes.", most=limit)
    return Refusal(413, "invalid_command", detail)


def _stranger(free: int) -> Refusal:
    detail = Reason("Sign in first: others may send at most %(most)d bytes.", most=free)
    return Refusal(401, "unauthenticated", detail, headers=((b"www-authenticate", b"Bearer"),))
