"""Writing one bundle to many connections at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from realtime.fanout.connection import Connection
from realtime.fanout.frames import Bundle, Format
from realtime.fanout.io_submit import submitter
from realtime.fanout.outlets import RawOutlet, WatchedTransport

# With fewer sockets than this, each is written to on its own.
WORTH_A_SUBMISSION = 16


@dataclass(frozen=True, slots=True)
class Sorted:
    """Connections, grouped by how they can be written to now.

    Args:
        late: cannot be written to.
        single: can be written to through their transports.
        together: by format, can be written to directly, bypassing their transports.
    """

    late: list[Connection] = field(default_factory=list)
    single: list[Connection] = field(default_factory=list)
    together: dict[Format, list[tuple[Connection, RawOutlet]]] = field(
        default_factory=lambda: defaultdict(list)
    )


def write(connections: Iterable[Connection], bundle: Bundle) -> list[Connection]:
    """Write `bundle` to all of these connections that can take it now.

    Where the system supports it, the kernel writes to all sockets with nothing waiting together,
    bypassing their transports (realtime.fanout.io_submit).

    Returns the connections that cannot take it and have received nothing.
    """
    found = sort(connections)
    for wanted, pairs in found.together.items():
        if worth_a_submission(len(pairs)):
            for connection, _ in pairs:
                connection.count(bundle)
            outlets = [outlet for _, outlet in pairs]
            submit(outlets, [outlet.descriptor for outlet in outlets], bundle.wire(wanted))
        else:
            found.single.extend(connection for connection, _ in pairs)
    for connection in found.single:
        connection.write(bundle)
    return found.late


def sort(connections: Iterable[Connection]) -> Sorted:
    """Group connections by whether and how they can be written to now."""
    WatchedTransport.settle()
    found = Sorted()
    for connection in connections:
        outlet = connection.outlet
        if connection.held or connection.closing or connection.pumping:
            found.late.append(connection)
        elif isinstance(outlet, RawOutlet) and not outlet.busy:
            found.together[outlet.format].append((connection, outlet))
        elif outlet.ready:
            found.single.append(connection)
        else:
            found.late.append(connection)
    return found


def worth_a_submission(count: int) -> bool:
    """Return whether the kernel should write to this many sockets together, if it can."""
    return count >= WORTH_A_SUBMISSION and submitter() is not None


def submit(outlets: Sequence[RawOutlet], descriptors: Sequence[int], data: bytes) -> None:
    """Write to several outlets together; none is busy, and `descriptors` are their sockets'."""
    kernel = submitter()
    assert kernel is not None
    short = [(outlets[index], taken) for index, taken in kernel.write(descriptors, data)]
    for outlet, taken in short:
        # The transport sends the rest at the peer's pace, or finds that the peer is gone.
        outlet.write_rest(data[taken:])
