"""A TCP proxy with which a test can cut off a database or a broker and restore it."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Literal

from tests.support.ports import free_port

Forward = Callable[[bytes, socket.socket, socket.socket], None]


class CuttableProxy:
    """Forwards connections to (host, port). While cut, it refuses new ones; existing ones end."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self.port = free_port()
        self.restore()

    def cut(self) -> None:
        """End every connection and refuse new ones."""
        listener, self._listener = self._listener, None
        if listener is not None:
            # Shut down first: closing alone leaves a thread in accept() and the port open.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._guard:
            ending, self._open = self._open, set()
        for sock in ending:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def restore(self) -> None:
        """Accept connections again, on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._target)
                with self._guard:
                    self._open |= {client, server}
                for pump, *ends in ((self._send, client, server), (self._answer, server, client)):
                    threading.Thread(target=self._pump, args=(pump, *ends), daemon=True).start()

    def _pump(self, forward: Forward, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                forward(data, source, sink)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _send(self, data: bytes, client: socket.socket, server: socket.socket) -> None:
        server.sendall(data)

    def _answer(self, data: bytes, server: socket.socket, client: socket.socket) -> None:
        client.sendall(data)


# COMMIT as a simple query, or parsed as an unnamed statement (PostgreSQL's protocol, version 3).
_COMMIT = re.compile(rb"Q\x00\x00\x00.COMMIT\x00|P\x00\x00\x00.\x00COMMIT\x00", re.DOTALL)

Moment = Literal["before it is sent", "while it is carried out", "before its answer"]


class CommitCutter(CuttableProxy):
    """A proxy for PostgreSQL that cuts one connection at its COMMIT and leaves all others alone.

    It cuts only transactions whose data contained `about`. `cuts` counts the cuts.
    """

    def __init__(self, host: str, port: int, about: bytes) -> None:
        self._about = about
        self._moment: Moment | None = None
        self._concerned: dict[socket.socket, bool] = defaultdict(bool)
        self._unanswered: set[socket.socket] = set()
        self._silenced: set[socket.socket] = set()
        self.cuts = 0
        super().__init__(host, port)

    def cut_next(self, moment: Moment) -> None:
        """Cut the connection of the next such transaction at its COMMIT, once."""
        self._moment = moment

    def _send(self, data: bytes, client: socket.socket, server: socket.socket) -> None:
        self._concerned[client] |= self._about in data
        moment = self._moment
        if not _COMMIT.search(data) or not self._concerned.pop(client) or moment is None:
            server.sendall(data)
            return
        self._moment = None
        if moment == "before its answer":
            self._unanswered.add(server)
        if moment == "while it is carried out":
            # A quick server may answer before the connection is down.
            self._silenced.add(server)
        if moment != "before it is sent":
            server.sendall(data)
        if moment != "before its answer":
            self._end(client, server)

    def _answer(self, data: bytes, server: socket.socket, client: socket.socket) -> None:
        if server in self._unanswered:
            self._end(client, server)
        if server not in self._silenced:
            client.sendall(data)

    def _end(self, client: socket.socket, server: socket.socket) -> None:
        self.cuts += 1
        for sock in (client, server):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError


@contextlib.contextmanager
def cuttable(host: str, port: int) -> Iterator[CuttableProxy]:
    """Yield a proxy for the duration of a test."""
    proxy = CuttableProxy(host, port)
    try:
        yield proxy
    finally:
        proxy.cut()
