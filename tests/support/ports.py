"""Ports for servers that a test stops and restarts."""

from __future__ import annotations

import random
import socket

# Below the system's range of ephemeral ports: while a server is stopped, no connection of another
# test can take its port.
LOWEST, HIGHEST = 15_000, 31_000


def free_port() -> int:
    """Return an unused TCP port of 127.0.0.1."""
    while True:
        port = random.randint(LOWEST, HIGHEST)
        with socket.socket() as probe:
            # As in servers: a port whose connections have ended counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
