"""Opens a WebSocket, and classifies its refusal or close."""

import logging
from collections.abc import Awaitable, Mapping
from typing import TypeVar

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Origin

from . import addresses, reconnect
from .credentials import Credentials, Opening, bearer
from .errors import (
    ApiError,
    AuthenticationError,
    ConnectionClosedError,
    ConnectionLostError,
    NotFoundError,
    PitwallError,
    UnknownEndpointError,
    UnknownWorkspaceError,
    UnreachableError,
)
from .retrying import BUSY_STATUSES, seconds
from .versions import USER_AGENT

TIMEOUT = 15.0
CLOSE_TIMEOUT = 5.0
REVOKED = 4500

T = TypeVar("T")

# At debug level websockets logs the headers of the upgrade, with the token among them.
_wire_logger = logging.getLogger("pitwall_client.wire")
_wire_logger.setLevel(logging.INFO)


async def prepare(credentials: Credentials, url: str) -> Opening:
    """Get the data to send from the credentials; raises as `issued` does."""
    return await issued(credentials.open(url))


async def issued(fetching: Awaitable[T]) -> T:
    """Await the fetching of credentials.

    Raises:
        AuthenticationError: the server refused to issue credentials.
        ConnectionLostError: the credentials could not be fetched; trying again may help.
    """
    try:
        return await fetching
    except ApiError as error:
        raise refusal(error) from error
    except PitwallError:
        raise
    except (httpx.HTTPError, OSError) as error:
        raise UnreachableError(f"no credentials could be fetched: {type(error).__name__}") from None


def refusal(error: ApiError) -> ConnectionClosedError | ConnectionLostError:
    """Return the exception for credentials that the REST API did not issue."""
    if error.status in BUSY_STATUSES or error.status >= 500:
        return UnreachableError(str(error), error.retry_after)
    if isinstance(error, NotFoundError):
        return UnknownWorkspaceError(None, error.message)
    return AuthenticationError(None, str(error))


async def upgrade(url: str, opening: Opening, query: Mapping[str, str]) -> ClientConnection:
    """Open a WebSocket.

    Raises:
        ConnectionClosedError: the server refuses the upgrade, and would refuse it again.
        UnreachableError: the server cannot be reached or is failing.
    """
    try:
        return await connect(
            addresses.with_query(url, {**query, **opening.query}),
            additional_headers=opening.headers,
            origin=Origin(opening.origin) if opening.origin else None,
            user_agent_header=USER_AGENT,
            open_timeout=TIMEOUT,
            close_timeout=CLOSE_TIMEOUT,
            max_size=None,
            # The protocol has its own heartbeats and compression.
            ping_interval=None,
            compression=None,
            logger=_wire_logger,
        )
    except InvalidStatus as error:
        headers = error.response.headers
        # Without the cause: its response may repeat what was sent.
        raise refused(error.response.status_code, headers.get("Retry-After")) from None
    except (OSError, EOFError) as error:
        raise UnreachableError(f"no connection: {error or type(error).__name__}") from None
    except (WebSocketException, ValueError) as error:
        # ValueError: what no request line or header can hold.
        raise UnreachableError(f"no WebSocket: {type(error).__name__}") from None


def refused(status: int, retry_after: str | None) -> ConnectionClosedError | ConnectionLostError:
    """Return the exception for an upgrade that was answered with an HTTP status."""
    reason = f"the upgrade was answered with HTTP {status}"
    if status in BUSY_STATUSES or status >= 500:
        return UnreachableError(reason, seconds(retry_after))
    if status in (401, 403):
        return AuthenticationError(None, reason)
    if status == 404:
        return UnknownEndpointError(None, f"there is no such endpoint: {reason}")
    return ConnectionClosedError(None, reason)


def classify(error: ConnectionClosed) -> ConnectionClosedError | ConnectionLostError:
    """Return the exception for a closed connection: final or temporary, by its close code."""
    code = error.rcvd.code if error.rcvd else None
    reason = error.rcvd.reason if error.rcvd else ""
    if code in (1008, REVOKED):
        return AuthenticationError(code, reason)
    if reconnect.is_final(code):
        return ConnectionClosedError(code, reason)
    return ConnectionLostError(f"closed with {code} {reason}".rstrip())


async def explained(
    error: AuthenticationError, url: str, opening: Opening, workspace: str | None
) -> AuthenticationError:
    """Return a more precise exception, if it is not the credentials that are at fault.

    The WebSocket endpoints refuse an unknown workspace like a bad token; the REST API tells one
    from the other.
    """
    try:
        headers = bearer(opening.first_token) if opening.first_token else dict(opening.headers)
    except AuthenticationError as malformed:
        return malformed
    if workspace is None or not headers or isinstance(error, UnknownWorkspaceError):
        return error
    headers["User-Agent"] = USER_AGENT
    try:
        async with httpx.AsyncClient(timeout=CLOSE_TIMEOUT, headers=headers) as http:
            answer = await http.get(addresses.api_of(url) + "me/", params={"workspace": workspace})
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return error
    if answer.status_code != 404:
        return error
    return UnknownWorkspaceError(error.code, f"this user is in no workspace {workspace!r}")
