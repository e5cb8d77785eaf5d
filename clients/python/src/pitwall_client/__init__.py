"""Python client for Pitwall."""

import logging

from ._version import __version__
from .api import Api
from .client import Client, State
from .credentials import Anonymous, Credentials, FirstFrame, Jwt, SessionCookie, Ticket, Token
from .errors import (
    ApiError,
    AuthenticationError,
    CommandError,
    ConnectionClosedError,
    ConnectionLostError,
    NotFoundError,
    PitwallError,
    UnknownEndpointError,
    UnknownResourceError,
    UnknownTargetError,
    UnknownWorkspaceError,
    UnreachableError,
)
from .frames import Frame
from .positions import Position

__all__ = [
    "Anonymous",
    "Api",
    "ApiError",
    "AuthenticationError",
    "Client",
    "CommandError",
    "ConnectionClosedError",
    "ConnectionLostError",
    "Credentials",
    "FirstFrame",
    "Frame",
    "Jwt",
    "NotFoundError",
    "PitwallError",
    "Position",
    "SessionCookie",
    "State",
    "Ticket",
    "Token",
    "UnknownEndpointError",
    "UnknownResourceError",
    "UnknownTargetError",
    "UnknownWorkspaceError",
    "UnreachableError",
    "__version__",
]

# Applications decide where messages go; without one, they go nowhere.
logging.getLogger(__name__).addHandler(logging.NullHandler())
