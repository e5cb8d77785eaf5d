"""Python client for Pitwall."""

from .api import Api
from .client import Client, State
from .credentials import Anonymous, Credentials, FirstFrame, SessionCookie, Ticket, Token
from .errors import (
    ApiError,
    AuthenticationError,
    CommandError,
    ConnectionClosedError,
    ConnectionLostError,
    PitwallError,
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
    "PitwallError",
    "Position",
    "SessionCookie",
    "State",
    "Ticket",
    "Token",
]
