"""The actor: the user on whose behalf the current code runs, and the address they act from.

Each entry point sets it once for what it lets in (a request, a socket's command). A service deep
inside reads it here instead of passing the same two arguments through every signature. The value
survives `threads.call`. Workers and management commands set nothing: they act as the system.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Actor:
    """A user and their IP address; `user_id` is None for a user who has not signed in."""

    user_id: int | None = None
    username: str = ""
    address: str | None = None


SYSTEM = Actor()
_current: ContextVar[Callable[[], Actor]] = ContextVar("actor", default=lambda: SYSTEM)


@contextmanager
def acting(who: Callable[[], Actor]) -> Iterator[None]:
    """Run a block on an actor's behalf.

    Args:
        who: returns the actor; called only on demand, since finding out may cost a query.
    """
    token = _current.set(who)
    try:
        yield
    finally:
        _current.reset(token)


def run_as(
    who: Callable[[], Actor], function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """Call a function on somebody's behalf (see `acting`) and return its result."""
    with acting(who):
        return function(*args, **kwargs)


def current() -> Actor:
    """Return the current actor; SYSTEM if no entry point has set one."""
    return _current.get()()


def plain_address(text: str) -> str | None:
    """Return an IP address without zone, IPv4-mapped ones as IPv4; None for anything else."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
