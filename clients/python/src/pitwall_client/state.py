"""The state of a connection, as its user sees it."""

import logging
from collections.abc import Callable
from enum import StrEnum

from .errors import ConnectionClosedError
from .inbox import Signal

logger = logging.getLogger(__name__)


class State(StrEnum):
    """The state of the connection."""

    CONNECTING = "connecting"
    LIVE = "live"
    FULL = "full"  # connected, but reading no events until the application takes some
    WAITING = "waiting"  # for the next attempt
    CLOSED = "closed"


# Commands can be sent.
OPEN = frozenset({State.LIVE, State.FULL})


class Standing:
    """The current state, and why the connection is closed if it is.

    Args:
        told: called with every new state, or None.
    """

    def __init__(self, told: Callable[[State], None] | None) -> None:
        self.state = State.CONNECTING
        self.closed_with: ConnectionClosedError | None = None
        self._changed = Signal()
        self._told = told

    def enter(self, state: State) -> None:
        """Change the state. Nothing follows CLOSED."""
        if state is self.state or self.state is State.CLOSED:
            return
        logger.debug("%s", state.value)
        self.state = state
        self._changed.fire()
        if self._told is not None:
            self._told(state)

    async def until_open(self) -> None:
        """Wait until commands can be sent.

        Raises:
            ConnectionClosedError: the connection is closed for good.
        """
        await self._changed.until(lambda: self.state in OPEN or self.state is State.CLOSED)
        if self.closed_with is not None:
            raise self.closed_with
