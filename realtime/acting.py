"""Who is acting: on whose behalf, and from where, the code at hand runs.

Each door says so once for what it lets in (a request, a socket's command). A service deep inside
asks here instead of taking the same two arguments through every signature. The value survives
`threads.call`. Workers and management commands say nothing: they act as the system.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address


@dataclass(frozen=True, slots=True)
class Actor:
    """A user and their IP address; `user_id` is None for somebody who has not signed in."""

    user_id: int | None = None
    username: str = ""
    address: str | None = None


SYSTEM = Actor()
_current: ContextVar[Callable[[], Actor]] = ContextVar("actor", default=lambda: SYSTEM)


@contextmanager
def acting(who: Callable[[], Actor]) -> Iterator[None]:
    """Run a block on somebody's behalf.

    Args:
        who: called only when somebody asks, since finding out may cost a query.
    """
    token = _current.set(who)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Actor:
    """Who is acting now; SYSTEM where no door has said so."""
    return _current.get()()


def plain_address(text: str) -> str | None:
    """An IP address without zone, IPv4 not dressed up as IPv6; None for anything else."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
