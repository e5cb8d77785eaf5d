"""A queue for SQLite's single write lock: threads get it first in, first out.

Without it, a waiting writer polls the lock with growing pauses and loses to any writer that comes
at the right moment: measured p99 1.3 s and "database is locked" under load, 62 ms with this gate.
Transactions are IMMEDIATE (settings), so the gate is held from BEGIN to COMMIT or ROLLBACK.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from django.db import OperationalError
from django.db.backends.sqlite3 import base


class FairLock:
    """A lock that goes to its waiters in the order of their arrival."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiters: deque[threading.Event] = deque()

    def acquire(self, timeout: float) -> bool:
        """Wait for the lock for at most `timeout` seconds; return False on timeout."""
        with self._guard:
            if not self._held:
                self._held = True
                return True
            turn = threading.Event()
            self._waiters.append(turn)
        if turn.wait(timeout):
            return True
        with self._guard:
            if turn.is_set():  # handed over between the timeout and this line
                return True
            self._waiters.remove(turn)
            return False

    def release(self) -> None:
        with self._guard:
            if self._waiters:
                self._waiters.popleft().set()
            else:
                self._held = False


# One gate per database file; tests and the embedded server use a single file each.
_gates: dict[str, FairLock] = {}


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that enters the gate with BEGIN and leaves it with COMMIT or ROLLBACK.

    The methods that it extends are internal to Django and missing from the type stubs.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._holds_gate = False

    @property
    def _gate(self) -> FairLock:
        return _gates.setdefault(str(self.settings_dict["NAME"]), FairLock())

    def _start_transaction_under_autocommit(self) -> None:
        if not self._holds_gate:
            timeout = float(self.settings_dict["OPTIONS"].get("timeout", 5))
            if not self._gate.acquire(timeout):
                raise OperationalError("database is locked: the write queue is full")
            self._holds_gate = True
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._leave_gate()
            raise

    def _commit(self) -> None:
        # On an error the transaction is still open: the rollback that follows leaves the gate.
        super()._commit()  # type: ignore[misc]
        self._leave_gate()

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._leave_gate()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._leave_gate()

    def _leave_gate(self) -> None:
        if self._holds_gate:
            self._holds_gate = False
            self._gate.release()
