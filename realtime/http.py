"""What every HTTP response carries, and what is counted of every request."""

from __future__ import annotations

import re
import time
import uuid
from typing import Any

import structlog
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from realtime import gauges
from realtime.handshake import header

logger = structlog.get_logger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def trust_proxies(application: Any, trusted: list[str]) -> Any:
    """Take scheme and client address from X-Forwarded-* where the peer is one of `trusted`.

    From anybody else these headers mean nothing: Origin checks, limits by address and the login
    lockout go by what is taken here.

    Args:
        trusted: addresses and networks ("10.0.0.0/8") of proxies; none: headers are never read.
    """
    if not trusted:
        return application
    return ProxyHeadersMiddleware(application, trusted_hosts=trusted)


class RequestContext:
    """ASGI middleware: X-Request-ID and X-Process-Time (seconds), logs and gauges.

    A well-formed X-Request-ID of the client is kept, so that a proxy's log and ours agree.
    Only requests to pages and API count for response times: static files would flatter them.
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
