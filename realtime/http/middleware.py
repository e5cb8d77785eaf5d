"""ASGI middleware of HTTP: trusted proxies, the body limit, request ids, logs and gauges."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
import uuid
from typing import Any

import structlog
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from realtime.process import gauges
from realtime.sockets.handshake import header

logger = structlog.get_logger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def trust_proxies(application: Any, trusted: list[str]) -> Any:
    """Take the scheme and client address from X-Forwarded-* if the peer is one of `trusted`.

    Headers from other peers are ignored: Origin checks, limits by address and the login lockout
    rely on the result.

    Args:
        trusted: addresses and networks ("10.0.0.0/8") of proxies; if empty, the headers are never
            read.
    """
    if not trusted:
        return application
    return ProxyHeadersMiddleware(application, trusted_hosts=trusted)


class BodyLimit:
    """ASGI middleware: answers 413 to a request body of more than `largest` bytes.

    Django receives a whole body before any view can refuse it: without a limit here, anyone could
    fill the disk. A body of unknown length is counted while it arrives.
    """

    # In seconds. A client that is still sending sees the answer only if its body is read.
    LISTEN_ON = 10.0

    def __init__(self, inner: Any, largest: int) -> None:
        self._inner = inner
        self._largest = largest

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        announced = header(scope, b"content-length") or "0"
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > self._largest):
            await self._refuse(receive, send)
            return
        taken = 0
        refused = False

        async def receive_counted() -> dict[str, Any]:
            nonlocal taken, refused
            if refused:
                return {"type": "http.disconnect"}
            message: dict[str, Any] = await receive()
            taken += len(message.get("body") or b"")
            if taken > self._largest:
                refused = True
                await self._refuse(receive, send)
                # Looks like a disconnect to the application, which then sends no response.
                return {"type": "http.disconnect"}
            return message

        async def send_unless_refused(message: dict[str, Any]) -> None:
            if not refused:
                await send(message)

        await self._inner(scope, receive_counted, send_unless_refused)

    async def _refuse(self, receive: Any, send: Any) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.LISTEN_ON):
                while (await receive()).get("more_body"):
                    pass
        problem = {
            "type": "about:blank",
            "title": "Content Too Large",
            "status": 413,
            "detail": f"A request may have at most {self._largest} bytes.",
            "code": "invalid_command",
        }
        headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(problem).encode()})


class RequestContext:
    """ASGI middleware: X-Request-ID and X-Process-Time (seconds), logs and gauges.

    A well-formed X-Request-ID from the client is kept, so that a proxy's log matches ours. Only
    requests to pages and the API are logged and counted: static files would improve the averages.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        began = time.perf_counter()
        given = header(scope, b"x-request-id") or ""
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        status = 500

        async def send_with_headers(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-request-id", request_id.encode()),
                    (b"x-process-time", f"{time.perf_counter() - began:.6f}".encode()),
                ]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._inner(scope, receive, send_with_headers)
            finally:
                self._count(scope, status, time.perf_counter() - began)

    def _count(self, scope: dict[str, Any], status: int, seconds: float) -> None:
        path = scope["path"]
        if path.startswith("/static/") or path in ("/healthz", "/readyz"):
            return
        gauges.http_requests.add()
        gauges.http_seconds.add(seconds)
        if status >= 500:
            gauges.http_errors.add()
        logger.info(
            "request",
            method=scope["method"],
            path=path,
            status=status,
            milliseconds=round(seconds * 1000, 1),
        )
