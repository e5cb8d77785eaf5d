"""The ways to authenticate when a connection opens."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from .errors import AuthenticationError


@dataclass
class Opening:
    """Authentication data for one connection attempt.

    Attributes:
        headers: headers of the upgrade request.
        query: parameters added to the address.
        origin: value of the Origin header; only cookies need one.
        first_token: token to send in a first `authenticate` frame, or None.
    """

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    query: dict[str, str] = field(default_factory=dict, repr=False)
    origin: str | None = None
    first_token: str | None = field(default=None, repr=False)

    @property
    def shows_anything(self) -> bool:
        """Whether the upgrade request has credentials."""
        return bool(self.headers or self.query)


class Credentials(Protocol):
    """An object that creates an `Opening`. It is called again before every reconnect."""

    async def open(self, url: str) -> Opening:
        """Return the data to send when connecting to `url`."""
        ...


@runtime_checkable
class Renewable(Protocol):
    """Credentials that can be replaced when the server refuses them."""

    async def renew(self) -> None:
        """Get new credentials, because the server has refused the last ones."""
        ...


class TokenSource(Protocol):
    """A function that returns a token: `Api.access_token` or one like it."""

    async def __call__(self, *, fresh: bool = False) -> str:
        """Return a token that is still good for a while; with `fresh`, a new one."""
        ...


@dataclass(frozen=True)
class Token:
    """A personal API token or a JWT, sent in the upgrade request.

    A JWT is good for minutes only: `Jwt` gets a new one for every connection.
    """

    token: str = field(repr=False)

    async def open(self, url: str) -> Opening:
        """Return the token in the Authorization header."""
        return Opening(headers=bearer(self.token))


@dataclass(frozen=True)
class Jwt:
    """A JWT that is renewed before it expires, and when the server refuses it.

    async with Api("http://127.0.0.1:8000") as api:
        await api.obtain_token("alice", password)
        async with Client("ws://127.0.0.1:8000/ws/chat/", Jwt(api.access_token)) as client:
            ...
    """

    source: TokenSource = field(repr=False)

    async def open(self, url: str) -> Opening:
        """Return a token in the Authorization header."""
        return Opening(headers=bearer(await self.source()))

    async def renew(self) -> None:
        """Get a new token."""
        await self.source(fresh=True)


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
            headers={"Cookie": f"{self.name}={header_value(self.session_key, 'session key')}"},
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
        return Opening(first_token=self.token.strip())


@dataclass(frozen=True)
class Anonymous:
    """No credentials; the caller may send an `authenticate` command later."""

    async def open(self, url: str) -> Opening:
        """Return an empty opening."""
        return Opening()


def bearer(token: str) -> dict[str, str]:
    """Return the Authorization header for a token.

    Raises:
        AuthenticationError: no header can hold it.
    """
    return {"Authorization": f"Bearer {header_value(token, 'token')}"}


def header_value(secret: str, what: str) -> str:
    """Return a secret without the white space around it, as a file often has it.

    Raises:
        AuthenticationError: no header can hold it. Checked here because HTTP libraries print the
            whole value in their exceptions.
    """
    value = secret.strip()
    if not value or not all("!" <= character <= "~" for character in value):
        raise AuthenticationError(None, f"the {what} is empty or has characters that none has")
    return value
