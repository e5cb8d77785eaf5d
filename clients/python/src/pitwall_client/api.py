"""The parts of the REST API that programs need in addition to the socket."""

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import httpx

from .credentials import bearer
from .requests import JSON as JSON
from .requests import Requests
from .tokens import Tokens
from .uploads import Upload


class Api:
    """Asynchronous REST client.

        async with Api("http://127.0.0.1:8000", token) as api:
            await api.push_samples([{"metric": "temperature", "value": 21.5}])

    Every method raises `ApiError` if the server refuses the request (`NotFoundError`, too, for
    404), `UnreachableError` if the server is down, and `ConnectionLostError` if the connection
    broke before the answer came.

    Args:
        base_url: `http://` or `https://` address of the server.
        token: personal API token or JWT. With None, only `obtain_token` works.
        workspace: slug; None selects the user's default workspace.
        timeout: seconds to wait for a connection, and for each next part of an answer.
        transport: httpx transport, for proxies and tests.
        retry_for: seconds to go on trying while the server is down or busy (429, 503). Requests
            that may have been carried out are not sent again, unless that changes nothing.
            0: try once.

    Raises:
        ValueError: `base_url` is not an HTTP address.
        AuthenticationError: `token` cannot be a token.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        workspace: str | None = None,
        timeout: float = 15.0,
        transport: httpx.AsyncBaseTransport | None = None,
        retry_for: float = 30.0,
    ) -> None:
        if token is not None:
            bearer(token)
        self._requests = Requests(
            base_url,
            Tokens(token),
            workspace=workspace,
            timeout=timeout,
            retry_for=retry_for,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        """Return the client itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._requests.close()

    async def obtain_token(self, username: str, password: str) -> str:
        """Exchange a password for a JWT, use it for further requests, and return it.

        The JWT is good for minutes. This client renews it for as long as the refresh token that
        comes with it is good (days); `access_token` returns the current one.
        """
        return await self._requests.obtain(username, password)

    async def access_token(self, *, fresh: bool = False) -> str:
        """Return the token that requests use now, renewed first if it is about to expire.

        Args:
            fresh: renew it in any case, because the server has refused it.

        Raises:
            ApiError: there is no token, or it can no longer be renewed.
        """
        tokens = self._requests.tokens
        if fresh or tokens.access is None or tokens.stale(time.monotonic()):
            return await self._requests.renew(tokens.access)
        return tokens.access

    async def ws_ticket(self) -> str:
        """Return a single-use ticket for one WebSocket connection."""
        return str((await self.post("ws-ticket/"))["ticket"])

    async def push_samples(
        self, samples: Iterable[Mapping[str, Any]], *, partial: bool = False
    ) -> int:
        """Store samples. Returns how many were accepted.

        Args:
            samples: each `{"metric", "value", "timestamp"?, "tags"?}`.
            partial: store the valid samples even if some are malformed. By default a malformed
                sample means that none are stored.

        Raises:
            ApiError: some are malformed; `errors` lists them by index and field.
        """
        query = {"partial": "1"} if partial else {}
        answer = await self.post("samples/", {"samples": [dict(s) for s in samples]}, **query)
        return int(answer["accepted"])

    async def metrics(self) -> list[JSON]:
        """Return the workspace's metrics with their latest values."""
        answer = await self.get("metrics/")
        return list(answer["results"] if isinstance(answer, dict) else answer)

    async def history(self, metric: str, *, hours: float, points: int | None = None) -> JSON:
        """Return a metric's history: `{metric, unit, resolution, data: [...]}`."""
        query = {"hours": hours, **({"points": points} if points else {})}
        return dict(await self.get(f"metrics/{metric}/history/", **query))

    async def upload(
        self,
        room: str,
        file: str | os.PathLike[str] | BinaryIO,
        *,
        name: str | None = None,
        content_type: str | None = None,
    ) -> JSON:
        """Upload a file for a message in a room; it is read piece by piece.

            file = await api.upload("ops", "laps.csv")
            await client.command("send_message", room="ops", text="", attachments=[file["id"]])

        Args:
            room: slug.
            file: path, or a file opened for binary reading; the latter is left open.
            name: name to show; None takes the file's own.
            content_type: media type to announce. The server detects the type from the content.

        Returns:
            The attachment: `{id, name, size, content_type, inline, url, width?, height?}`.

        Raises:
            OSError: the file cannot be read.
        """
        with Upload(Path(file) if isinstance(file, str | os.PathLike) else file) as upload:
            fields = upload.fields(room=room, name=name, content_type=content_type)
            return dict(await self._requests.send("POST", "attachments/", body=fields))

    async def get(self, path: str, **query: Any) -> Any:
        """Send a GET request to a path below /api/v1/ and return the decoded JSON."""
        return await self._requests.send("GET", path, query=query)

    async def post(self, path: str, body: JSON | None = None, **query: Any) -> Any:
        """POST JSON to a path below /api/v1/ and return the decoded JSON."""
        return await self._requests.send(
            "POST", path, query=query, body=lambda: {"json": body or {}}
        )

    async def request(self, method: str, path: str, body: JSON | None = None, **query: Any) -> Any:
        """Send a request of any method, with a JSON body if there is one."""
        fields: JSON = {} if body is None else {"json": body}
        return await self._requests.send(method.upper(), path, query=query, body=lambda: fields)
