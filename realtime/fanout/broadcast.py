"""One bundle to many connections at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from realtime.fanout.connection import Connection
from realtime.fanout.frames import Bundle, Format
from realtime.fanout.io_submit import submitter
from realtime.fanout.outlets import RawOutlet, WatchedTransport

# Fewer sockets than this are written to one by one.
WORTH_A_SUBMISSION = 16


@dataclass(frozen=True, slots=True)
class Sorted:
    """Connections by how they can be written to now.

    Args:
        late: not at all.
        single: through their transports.
        together: by format, past their transports, the way being free.
    """

    late: list[Connection] = field(default_factory=list)
    single: list[Connection] = field(default_factory=list)
    together: dict[Format, list[tuple[Connection, RawOutlet]]] = field(
        default_factory=lambda: defaultdict(list)
    )


def write(connections: Iterable[Connection], bundle: Bundle) -> list[Connection]:
    """Write `bundle` to all of these that can take it now.

    Where the system allows, sockets with nothing waiting are written to by the kernel together,
    past their transports (realtime.fanout.io_submit).

    Returns those that cannot take it, and have got nothing.
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
    """Look at each of these: can it be written to now, and how?"""
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
    """Whether so many sockets are better written to by the kernel together, if it can."""
    return count >= WORTH_A_SUBMISSION and submitter() is not None


def submit(outlets: Sequence[RawOutlet], descriptors: Sequence[int], data: bytes) -> None:
    """Write to outlets that are not busy, and whose sockets these are, together."""
    kernel = submitter()
    assert kernel is not None
    short = [(outlets[index], taken) for index, taken in kernel.write(descriptors, data)]
    for outlet, taken in short:
        # The transport sends the rest as the peer takes it, or finds that the peer is gone.
        outlet.write_rest(data[taken:])
