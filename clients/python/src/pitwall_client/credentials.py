"""The ways to authenticate when a connection opens."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit


@dataclass
class Opening:
    """Authentication data for one connection attempt.

    Attributes:
        headers: headers of the upgrade request.
        query: parameters added to the address.
        origin: value of the Origin header; only cookies need one.
        first_token: token to send in a first `authenticate` frame, or None.
    """

    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    origin: str | None = None
    first_token: str | None = None


class Credentials(Protocol):
    """An object that creates an `Opening`. It is called again before every reconnect."""

    async def open(self, url: str) -> Opening:
        """Return the data to send when connecting to `url`."""
        ...


@dataclass(frozen=True)
class Token:
    """A personal API token or a JWT, sent in the upgrade request."""

    token: str = field(repr=False)

    async def open(self, url: str) -> Opening:
        """Return the token in the Authorization header."""
        return Opening(headers={"Authorization": f"Bearer {self.token}"})


@dataclass(frozen=True)
class SessionCookie:
    """The cookie of a browser session, sent with the Origin that the server checks."""

    session_key: str = field(repr=False)
    name: str = "sessionid"

    async def open(self, url: str) -> Opening:
        """Return the cookie and the server's own origin."""
        parts = urlsplit(url)
        scheme = {"ws": "http", "wss": "https"}[parts.scheme]
        return Opening(
            headers={"Cookie": f"{self.name}={self.session_key}"},
            origin=f"{scheme}://{parts.netloc}",
        )


@dataclass(frozen=True)
class Ticket:
    """A single-use ticket. `fetch`, e.g. `Api.ws_ticket`, gets a new one for every attempt."""

    fetch: Callable[[], Awaitable[str]]

    async def open(self, url: str) -> Opening:
        """Return a fresh ticket in the query string."""
        return Opening(query={"ticket": await self.fetch()})


@dataclass(frozen=True)
class FirstFrame:
    """A token sent in the first frame, for environments that cannot set headers."""

    token: str = field(repr=False)

    async def open(self, url: str) -> Opening:
        """Return the token to send right after the connection is established."""
        return Opening(first_token=self.token)


@dataclass(frozen=True)
class Anonymous:
    """No credentials; the caller may send an `authenticate` command later."""

    async def open(self, url: str) -> Opening:
        """Return an empty opening."""
        return Opening()
