"""A TCP proxy that can be cut: how a test takes a database or a broker away and gives it back."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.support.ports import free_port


class CuttableProxy:
    """Forwards connections to (host, port). While cut it refuses new ones and has ended the old."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self.port = free_port()
        self.restore()

    def cut(self) -> None:
        """The service is gone: nobody can connect, and every connection ends."""
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
        """The service is back, on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(self._target)
                with self._guard:
                    self._open |= {client, server}
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def cuttable(host: str, port: int) -> Iterator[CuttableProxy]:
    """A proxy for the time of a test."""
    proxy = CuttableProxy(host, port)
    try:
        yield proxy
    finally:
        proxy.cut()
