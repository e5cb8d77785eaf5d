"""ASGI middleware of HTTP: trusted proxies, request ids, caching, logs and gauges."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

import structlog
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from realtime.process import gauges
from realtime.sockets.handshake import header

logger = structlog.get_logger(__name__)
# The status in our log, as nginx has it, of a request whose client went away before the answer.
CLIENT_GONE = 499
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


class RequestContext:
    """ASGI middleware: X-Request-ID and X-Process-Time (seconds), Cache-Control, logs and gauges.

    Nothing is kept by a browser or a proxy unless its view says so: most answers are for one user.

    A well-formed X-Request-ID from the client is kept, so that a proxy's log matches ours. Only
    requests to pages and the API are logged and counted: static files would improve the averages.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        began = time.perf_counter()
        given = header(scope, b"x-request-id") or ""
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        status = CLIENT_GONE

        async def send_with_headers(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [
                    *message.get("headers", []),
                    (b"x-request-id", request_id.encode()),
                    (b"x-process-time", f"{time.perf_counter() - began:.6f}".encode()),
                ]
                if not any(name.lower() == b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store, private"))
                message["headers"] = headers
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._inner(scope, receive, send_with_headers)
            except Exception:
                status = 500
                raise
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
