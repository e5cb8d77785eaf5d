"""Requests to the REST API: tried again while the server is busy, and renewed tokens."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from .credentials import bearer
from .errors import (
    ApiError,
    ConnectionClosedError,
    ConnectionLostError,
    UnreachableError,
)
from .retrying import BUSY_STATUSES, Patience, seconds
from .tokens import Tokens
from .versions import USER_AGENT

logger = logging.getLogger(__name__)

JSON = dict[str, Any]
# Requests that may be sent again although the first one may have been carried out.
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
# Raised before anything was sent.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Requests:
    """Sends requests below /api/v1/ and decodes the answers.

    Args:
        base_url: `http://` or `https://` address of the server.
        tokens: read for every request, and renewed here.
        workspace: slug to add to requests inside a workspace, or None.
        timeout: seconds to wait for a connection, and for each next part of an answer.
        retry_for: seconds to go on trying while the server is down or busy.
        transport: httpx transport, for proxies and tests.

    Raises:
        ValueError: `base_url` is not an HTTP address.
    """

    def __init__(
        self,
        base_url: str,
        tokens: Tokens,
        *,
        workspace: str | None,
        timeout: float,
        retry_for: float,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ValueError("a server's address begins with http:// or https://")
        self.tokens = tokens
        self._workspace = {"workspace": workspace} if workspace else {}
        self._retry_for = retry_for
        self._renewing = asyncio.Lock()
        try:
            self._http = httpx.AsyncClient(
                base_url=f"{base_url.rstrip('/')}/api/v1/",
                headers={"User-Agent": USER_AGENT},
                timeout=timeout,
                transport=transport,
            )
        except httpx.InvalidURL:
            raise ValueError("this is not the address of a server") from None

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Callable[[], dict[str, Any]] = dict,
    ) -> Any:
        """Send a request in the workspace, with a token that is good, and decode the answer.

        Args:
            method: HTTP method.
            path: path below /api/v1/.
            query: query parameters.
            body: returns httpx's arguments for the body; called for every attempt.

        Raises:
            ApiError: the server refused the request.
            ConnectionLostError: it is unknown whether the request was carried out.
            UnreachableError: the server is down; nothing was carried out.
        """
        params = {**self._workspace, **(query or {})}
        if self.tokens.stale(time.monotonic()):
            await self.renew(self.tokens.access)
        used = self.tokens.access
        try:
            return await self._send(method, path, used, params, body)
        except ApiError as error:
            if error.status != 401 or self.tokens.refresh is None:
                raise
        await self.renew(used)
        return await self._send(method, path, self.tokens.access, params, body)

    async def obtain(self, username: str, password: str) -> str:
        """Exchange a password for an access and a refresh token, and keep them."""
        return await self._obtain("token/", {"username": username, "password": password})

    async def renew(self, used: str | None) -> str:
        """Replace an access token, unless another task has done so already. Returns the new one.

        Raises:
            ApiError: there is no refresh token, or it is no longer good.
        """
        async with self._renewing:
            if self.tokens.access is not None and self.tokens.access != used:
                return self.tokens.access
            if self.tokens.refresh is None:
                raise ApiError(401, "unauthenticated", "there is no refresh token: sign in again")
            return await self._obtain("token/refresh/", {"refresh": self.tokens.refresh})

    async def _obtain(self, path: str, credentials: JSON) -> str:
        # Without the workspace: tokens belong to the user, and the old token would be no use.
        answer = await self._send("POST", path, None, {}, lambda: {"json": credentials})
        self.tokens.renewed(str(answer["access"]), answer.get("refresh"), time.monotonic())
        return str(answer["access"])

    async def _send(
        self,
        method: str,
        path: str,
        token: str | None,
        params: Mapping[str, Any],
        body: Callable[[], dict[str, Any]],
    ) -> Any:
        headers = bearer(token) if token else {}
        patience = Patience(self._retry_for, random.uniform)
        while True:
            retry: ApiError | ConnectionLostError
            try:
                answer = await self._http.request(
                    method, path, params=dict(params), headers=headers, **body()
                )
                return _read(answer)
            except ApiError as error:
                if error.status not in BUSY_STATUSES:
                    raise
                retry = error
            except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
                retry = self._failure(error)
                if method not in REPEATABLE and not isinstance(retry, UnreachableError):
                    raise retry from None
            delay = patience.delay(retry.retry_after)
            if delay is None:
                raise retry from None
            logger.info("%s %s failed (%s); trying again in %.1f s", method, path, retry, delay)
            await asyncio.sleep(delay)

    def _failure(self, error: Exception) -> ConnectionLostError:
        """Return the exception for a request without an answer. Never repeats what was sent."""
        if self._http.is_closed:
            raise ConnectionClosedError(None, "not open: use the Api in `async with`") from None
        if isinstance(error, NOT_SENT):
            return UnreachableError(f"the server cannot be reached ({type(error).__name__})")
        if isinstance(error, httpx.TransportError):
            return ConnectionLostError(f"no answer came ({type(error).__name__})")
        if isinstance(error, RuntimeError):
            raise error
        raise ConnectionLostError(f"the request failed ({type(error).__name__})") from None


def _read(response: httpx.Response) -> Any:
    try:
        content = response.json() if response.content else None
    except (ValueError, RecursionError):
        content = None
        if response.is_success:
            raise ApiError(response.status_code, "internal", "the answer is not JSON") from None
    if response.is_success:
        return content
    raise ApiError.from_answer(
        response.status_code,
        content,
        response.reason_phrase,
        seconds(response.headers.get("Retry-After")),
    )
