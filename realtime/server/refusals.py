"""Refusals of HTTP requests: a page for people, a problem document (RFC 9457) for programs.

For what is refused before Django sees it: by the connection (realtime.server.http), or by the ASGI
middleware (realtime.http.middleware).
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from realtime.translations import translated

Headers = list[tuple[bytes, bytes]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

API = "/api/"
HEADINGS = {
    401: _("Sign in first"),
    405: _("This is not possible here"),
    408: _("This took too long"),
    413: _("This is too large"),
    415: _("This kind of data is not taken here"),
    429: _("Too many requests"),
    431: _("This request is too large"),
    503: _("Not available right now"),
}


@dataclass(frozen=True)
class Refusal:
    """The refusal of a request.

    Args:
        code: the error code, as in docs/protocol.md.
        detail: one sentence in English, or a Reason; it is translated.
        retry_after: seconds after which the same request may succeed.
    """

    status: int
    code: str
    detail: str
    retry_after: float | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def content(self, path: str, language: str) -> tuple[Headers, bytes]:
        """Return the headers and the body of the answer to a request of `path`."""
        with override(language):
            detail = translated(self.detail)
            if path.startswith(API):
                kind, body = b"application/problem+json", self._problem(detail)
            else:
                kind, body = b"text/html; charset=utf-8", _page(self.status, detail, language)
        headers = [
            (b"content-type", kind),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store, private"),
            *self.headers,
        ]
        if self.retry_after is not None:
            headers.append((b"retry-after", str(math.ceil(self.retry_after)).encode()))
        return headers, body

    async def send(
        self, send: Send, path: str, language: str, extra: Headers | None = None
    ) -> None:
        """Send the whole answer to an ASGI server."""
        headers, body = self.content(path, language)
        start = {"type": "http.response.start", "status": self.status}
        await send(start | {"headers": headers + (extra or [])})
        await send({"type": "http.response.body", "body": body})

    def on_the_wire(self, path: str, language: str) -> bytes:
        """Return the answer as bytes of HTTP/1.1, after which the connection is closed."""
        headers, body = self.content(path, language)
        phrase = HTTPStatus(self.status).phrase
        return b"".join(
            [
                f"HTTP/1.1 {self.status} {phrase}\r\nconnection: close\r\n".encode(),
                *_lines(headers),
                b"\r\n",
                body,
            ]
        )

    def _problem(self, detail: str) -> bytes:
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": detail,
            "code": self.code,
        }
        return json.dumps(body, ensure_ascii=False).encode()


def heading(status: int) -> str:
    """Return what a page says first about a refusal, in the active language."""
    return str(HEADINGS.get(status, _("This request was refused")))


def _lines(headers: Headers) -> Iterable[bytes]:
    return (b"%b: %b\r\n" % header for header in headers)


# Cached: an attack must not cost a rendered page for each refusal.
@lru_cache(maxsize=64)
def _page(status: int, detail: str, language: str) -> bytes:
    context = {"status": status, "heading": heading(status), "detail": detail}
    return render_to_string("refused.html", context).encode()
