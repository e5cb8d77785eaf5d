"""Opens a WebSocket, and classifies its refusal or close."""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from . import reconnect
from .credentials import Credentials, Opening
from .errors import ApiError, AuthenticationError, ConnectionClosedError, ConnectionLostError

TIMEOUT = 15.0
CLOSE_TIMEOUT = 5.0
REFUSED_STATUSES = frozenset({400, 401, 403, 404})


async def prepare(credentials: Credentials, url: str) -> Opening:
    """Get the data to send from the credentials.

    Raises:
        AuthenticationError: the server refused to issue credentials.
        ConnectionLostError: the credentials could not be fetched; trying again may help.
    """
    try:
        return await credentials.open(url)
    except ApiError as error:
        if error.status in REFUSED_STATUSES:
            raise AuthenticationError(None, str(error)) from error
        raise ConnectionLostError(str(error)) from error
    except httpx.HTTPError as error:
        raise ConnectionLostError(repr(error)) from error


async def upgrade(url: str, opening: Opening, query: Mapping[str, str]) -> ClientConnection:
    """Open a WebSocket.

    Raises:
        AuthenticationError: the server refuses the upgrade, and would refuse it again.
        OSError, TimeoutError, InvalidHandshake: the server cannot be reached or is failing.
    """
    try:
        return await connect(
            _with_query(url, {**query, **opening.query}),
            additional_headers=opening.headers,
            origin=Origin(opening.origin) if opening.origin else None,
            open_timeout=TIMEOUT,
            close_timeout=CLOSE_TIMEOUT,
            max_size=None,
            # The protocol has its own heartbeats and compression.
            ping_interval=None,
            compression=None,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        if status in REFUSED_STATUSES:
            raise AuthenticationError(None, f"HTTP {status}") from error
        raise


def classify(error: ConnectionClosed) -> ConnectionClosedError | ConnectionLostError:
    """Return the exception for a closed connection: final or temporary, by its close code."""
    code = error.rcvd.code if error.rcvd else None
    reason = error.rcvd.reason if error.rcvd else ""
    if code == 1008:
        return AuthenticationError(code, reason)
    if reconnect.is_final(code):
        return ConnectionClosedError(code, reason)
    return ConnectionLostError(f"closed with {code} {reason}".rstrip())


def retry_after(error: Exception) -> float | None:
    """Return the Retry-After of a refused upgrade in seconds, or None."""
    if not isinstance(error, InvalidStatus):
        return None
    try:
        return float(error.response.headers.get("Retry-After", ""))
    except ValueError:
        return None


def _with_query(url: str, query: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    joined = "&".join(filter(None, (parts.query, urlencode(query))))
    return urlunsplit(parts._replace(query=joined))
