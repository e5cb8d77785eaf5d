"""A server that may open few files goes on serving, however many connections wait for nothing."""

import contextlib
import resource
import signal
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime.server import descriptors

from . import servers

pytestmark = pytest.mark.e2e


@contextlib.contextmanager
def few_files(most: int) -> Iterator[None]:
    """Have servers that start in the block open at most so many files."""
    tied = servers.tied

    def limited(command: list[str], *if_killed: signal.Signals) -> list[str]:
        return tied(["prlimit", f"--nofile={most}:{most}", *command], *if_killed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(servers, "tied", limited)
        yield


def test_1100_idle_connections_stop_no_server_of_1024_files(tmp_path: Path) -> None:
    descriptors.raise_limit(4096)  # of this process, which opens as many
    with contextlib.ExitStack() as stack:
        stack.enter_context(few_files(1024))
        server = stack.enter_context(servers.embedded(tmp_path))
        assert "1024 files" in server.output
        began = time.monotonic()
        for number in range(1100):
            # From several addresses: one alone is limited anyway.
            sock = stack.enter_context(contextlib.closing(socket.socket()))
            sock.bind((f"127.0.0.{number % 8 + 2}", 0))
            sock.connect(("127.0.0.1", server.port))
            if number % 3 == 0:
                sock.sendall(b"GET / HTTP/1.1\r\nX-Half: ")
        for path in ("/healthz", "/readyz", "/accounts/login/"):
            with urllib.request.urlopen(server.url + path, timeout=10) as answer:
                assert answer.status == 200
        assert server.token()
        assert time.monotonic() - began < 30
        assert "Traceback" not in server.output


def test_the_limit_of_files_is_raised_as_far_as_it_may(own_server: servers.Server) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert own_server.web is not None
    soft = resource.prlimit(own_server.web.pid, resource.RLIMIT_NOFILE)[0]
    assert soft == hard or soft > 10_000
    assert f"{soft} files may be open" in own_server.output
