"""One bundle to many connections at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from realtime.connection import Connection
from realtime.frames import Bundle, Format
from realtime.outlets import RawOutlet, WatchedTransport
from realtime.submission import submitter

# Fewer sockets than this are written to one by one.
WORTH_A_SUBMISSION = 16


def write(connections: Iterable[Connection], bundle: Bundle) -> list[Connection]:
    """Write `bundle` to all of these that can take it now.

    Where the system allows, sockets with nothing waiting are written to by the kernel together,
    past their transports (realtime.submission).

    Returns those that cannot take it, and have got nothing.
    """
    WatchedTransport.settle()
    late, single = [], []
    together: dict[Format, list[RawOutlet]] = defaultdict(list)
    count = len(bundle)
    for connection in connections:
        outlet = connection.outlet
        if connection.held or connection.closing or connection.pumping:
            late.append(connection)
        elif isinstance(outlet, RawOutlet) and not outlet.busy:
            connection.frames_out += count
            together[outlet.format].append(outlet)
        elif outlet.ready:
            single.append(connection)
        else:
            late.append(connection)
    for connection in single:
        connection.write(bundle)
    for outlets in together.values():
        _write_together(outlets, bundle)
    return late


def _write_together(outlets: list[RawOutlet], bundle: Bundle) -> None:
    """Write to outlets of one format that are not busy."""
    kernel = submitter() if len(outlets) >= WORTH_A_SUBMISSION else None
    if kernel is None:
        for outlet in outlets:
            outlet.write(bundle)
        return
    data = bundle.wire(outlets[0].format)
    for index, taken in kernel.write([outlet.descriptor for outlet in outlets], data):
        # The transport sends the rest as the peer takes it, or finds that the peer is gone.
        outlets[index].write_rest(data[taken:])
