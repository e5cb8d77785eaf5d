"""The parts of the REST API that programs need in addition to the socket."""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from .errors import ApiError

JSON = dict[str, Any]


class Api:
    """Asynchronous REST client.

        async with Api("http://127.0.0.1:8000", token) as api:
            await api.push_samples([{"metric": "temperature", "value": 21.5}])

    Args:
        base_url: `http://` or `https://` address of the server.
        token: personal API token or JWT. With None, only `obtain_token` works.
        workspace: slug; None selects the user's default workspace.
        timeout: seconds allowed for one request.
        transport: httpx transport, for proxies and tests.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        workspace: str | None = None,
        timeout: float = 15.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"{base_url.rstrip('/')}/api/v1/",
            headers={"Authorization": f"Bearer {token}"} if token else {},
            params={"workspace": workspace} if workspace else {},
            timeout=timeout,
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
        await self._http.aclose()

    async def obtain_token(self, username: str, password: str) -> str:
        """Exchange a password for a JWT, use it for further requests, and return it."""
        answer = await self.post("token/", {"username": username, "password": password})
        token = str(answer["access"])
        self._http.headers["Authorization"] = f"Bearer {token}"
        return token

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

    async def get(self, path: str, **query: Any) -> Any:
        """Send a GET request to a path below /api/v1/ and return the decoded JSON.

        Raises:
            ApiError: the server refused the request.
        """
        return _read(await self._http.get(path, params=query))

    async def post(self, path: str, body: JSON | None = None, **query: Any) -> Any:
        """POST JSON to a path below /api/v1/ and return the decoded JSON.

        Raises:
            ApiError: the server refused the request.
        """
        return _read(await self._http.post(path, json=body or {}, params=query))


def _read(response: httpx.Response) -> Any:
    if response.is_success:
        return response.json() if response.content else None
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    retry_after = response.headers.get("Retry-After", "")
    raise ApiError(
        response.status_code,
        str(problem.get("code", "internal")),
        str(problem.get("detail", response.reason_phrase)),
        problem.get("errors"),
        float(retry_after) if retry_after.isdigit() else None,
    )
