"""Ports for servers that a test stops and starts again."""

from __future__ import annotations

import random
import socket

# Below the range that the system takes the near ends of connections from: while a server is
# stopped, no connection of another test can come to be on its port.
LOWEST, HIGHEST = 15_000, 31_000


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nothing listens now."""
    while True:
        port = random.randint(LOWEST, HIGHEST)
        with socket.socket() as probe:
            # As servers do: a port with connections that have ended is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
