"""Audiences: all subscribers get the same bytes once, in order, behind their own pending data.

Replies, full sockets, commands in progress, and connections that come or go between two messages
are tried in any order against a model of each peer's expected data.
"""

import asyncio
from types import SimpleNamespace
from unittest import mock

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from realtime.fanout import broadcast
from realtime.fanout.audience import Audience
from realtime.fanout.connection import Connection
from realtime.fanout.frames import Bundle, Format
from realtime.fanout.outlets import RawOutlet, WatchedTransport

CONNECTIONS = 6
ONE = st.integers(0, CONNECTIONS - 1)


class Socket:
    """A transport with its socket. `got`: bytes of the peer; `waiting`: bytes of the transport."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.got = self.waiting = b""
        self.room = 10**9
        self.closing = False

    def get_extra_info(self, name):
        return SimpleNamespace(fileno=lambda: self.descriptor) if name == "socket" else None

    def get_write_buffer_size(self):
        return len(self.waiting)

    def is_closing(self):
        return self.closing

    def write(self, data):
        self.waiting += data

    def close(self):
        self.closing = True


class Kernel:
    """Writes to sockets by descriptor, and refuses to write past waiting bytes."""

    def __init__(self, sockets):
        self.sockets = sockets

    def write(self, descriptors, data):
        short = []
        for index, descriptor in enumerate(descriptors):
            socket = self.sockets[descriptor]
            assert not socket.waiting, "written past what the transport still has"
            assert not socket.closing, "written to a socket that closes"
            taken = min(len(data), socket.room)
            socket.got += data[:taken]
            socket.room -= taken
            if taken < len(data):
                short.append((index, taken))
        return short


def connection(watched, wanted=Format.PLAIN):
    writable = asyncio.Event()
    writable.set()
    protocol = SimpleNamespace(transport=watched, raw_write=watched.write, writable=writable)
    return Connection("", RawOutlet(protocol, wanted), close=None, slow_consumer_timeout=1)


class AnyOrder(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.sockets = [Socket(number) for number in range(CONNECTIONS)]
        self.expected = [b""] * CONNECTIONS
        self.frames = [0] * CONNECTIONS
        self.members = set()
        self.audience = Audience()
        self.number = 0
        kernel = Kernel(self.sockets)
        self.patches = [
            mock.patch.object(broadcast, "submitter", return_value=kernel),
            mock.patch.object(broadcast, "WORTH_A_SUBMISSION", 3),
        ]
        for patch in self.patches:
            patch.start()

    @initialize(formats=st.lists(st.sampled_from(Format), min_size=6, max_size=6))
    def connect(self, formats):
        self.watched = [WatchedTransport(socket) for socket in self.sockets]
        self.connections = [
            connection(watched, wanted)
            for watched, wanted in zip(self.watched, formats, strict=True)
        ]

    @rule(which=ONE)
    def comes_or_goes(self, which):
        if which in self.members:
            self.members.remove(which)
            self.audience.remove(self.connections[which])
        else:
            self.members.add(which)
            self.audience.add(self.connections[which])

    @rule()
    def all_come(self):
        for which in set(range(CONNECTIONS)) - self.members:
            self.comes_or_goes(which)

    @rule(which=ONE)
    def a_command_begins_or_ends(self, which):
        one = self.connections[which]
        one.release() if one.held else one.hold()

    @rule(which=ONE)
    def something_else_is_sent(self, which):
        self.watched[which].write(b"<reply>")
        self.expected[which] += b"<reply>"

    @rule(which=ONE, room=st.integers(0, 30))
    def the_socket_is_almost_full(self, which, room):
        self.sockets[which].room = room

    @rule()
    def the_peers_read(self):
        for socket in self.sockets:
            socket.got, socket.waiting = socket.got + socket.waiting, b""
            socket.room = 10**9

    @rule(which=ONE)
    def the_connection_stops(self, which):
        self.connections[which].stop()

    @rule(which=ONE)
    def the_transport_closes(self, which):
        self.watched[which].close()

    @rule(count=st.integers(1, 3))
    @precondition(lambda self: self.members)
    def a_message_is_written(self, count):
        self.number += 1
        bundle = Bundle([b'{"n":%d}' % (self.number * 10 + part) for part in range(count)])
        late = {self.connections.index(connection) for connection in self.audience.write(bundle)}
        assert late == {
            which
            for which in self.members
            if self.connections[which].held or self.connections[which].closing
        }
        for which in self.members - late:
            self.expected[which] += bundle.wire(self.connections[which].outlet.format)
            self.frames[which] += count

    @invariant()
    def everybody_has_what_was_written_in_order(self):
        assert [socket.got + socket.waiting for socket in self.sockets] == self.expected

    @invariant()
    def messages_are_counted(self):
        if hasattr(self, "connections"):
            assert [connection.frames_out for connection in self.connections] == self.frames
            assert len(self.audience) == len(self.members)

    def teardown(self):
        for watched in getattr(self, "watched", ()):
            watched.retire()
        for patch in self.patches:
            patch.stop()


TestAnyOrder = AnyOrder.TestCase


@pytest.fixture
def row(monkeypatch):
    """Yield an audience of three idle connections, and the descriptors that the kernel wrote to."""
    asked = []
    kernel = SimpleNamespace(write=lambda numbers, data: asked.append(sorted(numbers)) or [])
    monkeypatch.setattr(broadcast, "submitter", lambda: kernel)
    monkeypatch.setattr(broadcast, "WORTH_A_SUBMISSION", 3)
    audience = Audience()
    watched = [WatchedTransport(Socket(number)) for number in (5, 6, 7)]
    connections = [connection(transport) for transport in watched]
    for one in connections:
        audience.add(one)
    audience.write(Bundle([b"{}"]))
    assert asked.pop() == [5, 6, 7]
    yield SimpleNamespace(audience=audience, connections=connections, watched=watched, asked=asked)
    for transport in watched:
        transport.retire()


def test_a_row_is_written_to_without_a_look_at_each(row, monkeypatch):
    looked_at = []
    monkeypatch.setattr(
        broadcast, "sort", lambda those: looked_at.extend(those) or broadcast.Sorted()
    )
    row.audience.write(Bundle([b"{}"]))
    assert row.asked == [[5, 6, 7]]
    assert looked_at == []


def test_the_number_of_a_lost_socket_leaves_the_row_at_once(row):
    row.watched[1].retire()
    row.audience.write(Bundle([b"{}"]))
    assert row.asked == [[5, 7]]


async def test_what_is_new_waits_while_older_messages_are_sent_on(row):
    row.connections[2].pump()
    assert row.audience.write(Bundle([b"{}"])) == [row.connections[2]]
    assert row.asked == [[5, 6]]
    await row.connections[2].pumping
