"""Checks that the server's address is free."""

import errno
import socket

from .report import SetupError


def require_free_port(host: str, port: str) -> None:
    """Check that a server could listen on `host`:`port`, before spending minutes on the set-up.

    Raises:
        SetupError: the port is not a number, is in use, or is not permitted.
    """
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise SetupError(f"PORT is {port!r}: set it to a number from 1 to 65535.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise SetupError(_cause(error, host, port)) from error


def _cause(error: OSError, host: str, port: str) -> str:
    if error.errno == errno.EADDRINUSE:
        other = "8080" if port == "8000" else "8000"
        return (
            f"port {port} on {host} is in use: stop what runs there "
            f"or choose another one, for example `make run PORT={other}`."
        )
    if error.errno == errno.EACCES:
        return f"port {port} may not be used by this user: choose one above 1023 with PORT."
    return f"cannot listen on {host}:{port} ({error.strerror}): check HOST and PORT."
