"""Messages to many sockets: in order with everything else, and to no other socket.

There are enough sockets that the kernel writes to all of them at once (realtime.fanout.io_submit).
"""

import asyncio
import json
import platform
from types import SimpleNamespace

import pytest

from realtime.database import threads
from realtime.fanout import broadcast
from realtime.fanout.connection import Connection
from realtime.fanout.frames import Format
from realtime.fanout.io_submit import submitter
from realtime.fanout.latest import LatestFeed
from realtime.fanout.outlets import RawOutlet, WatchedTransport
from realtime.hub import get_hub
from realtime.streams import publish
from realtime.streams.log import StreamKey
from tests.realtime.endpoints import VALUES, Chosen, Note
from tests.realtime.test_hub import note
from tests.support.sockets import SocketClient

MANY = broadcast.WORTH_A_SUBMISSION + 4


@pytest.fixture(params=["by the kernel together", "one by one"], autouse=True)
def way(request, monkeypatch):
    if request.param == "one by one":
        monkeypatch.setattr(broadcast, "submitter", lambda: None)
    return request.param


async def tick(number):
    await threads.call(publish.publish_latest, StreamKey(1, VALUES), {"cpu": number})


async def everybody(probe, count=MANY, **subscription):
    clients = [await probe("alice@1") for _ in range(count)]
    for client in clients:
        await client.command("subscribe", **subscription)
    return clients


async def test_values_reach_all_in_order_between_the_replies_to_each(probe):
    clients = await everybody(probe, names=["cpu"])
    for number in range(30):
        await tick(number)
        if number % 3 == 0:
            await asyncio.gather(*(client.command("ping") for client in clients[number % 5 :: 5]))
    for client in clients:
        got = []
        while not got or got[-1] < 29:
            got.append((await client.event("tick"))["values"]["cpu"])
        assert got == sorted(set(got))


async def test_events_of_a_log_reach_all_once_and_in_order(probe):
    clients = await everybody(probe, logs=["room:ops"])
    sent = [f"{number} {'x' * 3000}" for number in range(60)]
    for start in range(0, 60, 5):
        await threads.call(note, *sent[start : start + 5])
    for client in clients:
        assert [(await client.event("note"))["text"] for _ in sent] == sent


async def test_those_who_read_late_get_the_rest_of_a_message_first(probe):
    """Bytes that a socket does not accept at once are neither lost nor overtaken."""
    slow = [await probe("alice@1", slow=True) for _ in range(MANY)]
    for client in slow:
        await client.command("subscribe", logs=["room:ops"])
    sent = [f"{number} {'x' * 40_000}" for number in range(20)]
    for text in sent:
        await threads.call(note, text)
    for client in slow:
        assert [(await client.event("note"))["text"] for _ in sent] == sent


async def test_each_gets_the_format_that_it_asked_for(probe_server, probe):
    plain = await everybody(probe, names=["cpu"])
    url = f"ws://{probe_server}/ws/probe/?batch=1"
    batching = [
        await SocketClient.open(url, {"Authorization": "Bearer alice@1"}) for _ in range(MANY)
    ]
    for client in batching:
        await client.command("subscribe", logs=["room:ops"])
    for client in plain:
        await client.command("subscribe", logs=["room:ops"])
    await threads.call(note, "a", "b")
    for client in batching:
        batch = await client.event("batch_messages")
        assert [event["text"] for event in batch["messages"]] == ["a", "b"]
        await client.close()
    for client in plain:
        assert [(await client.event("note"))["text"] for _ in range(2)] == ["a", "b"]


async def test_a_push_to_a_user_reaches_all_sockets_of_that_user_alone(probe):
    mine = [await probe("alice@1") for _ in range(MANY)]
    other = await probe("bob@1")
    hub = await get_hub()
    [user_id] = {c.principal.user_id for c in hub.connections if c.principal.username == "alice"}
    await threads.call(publish.publish_direct, {"user_id": user_id}, Note(text="for alice alone"))
    for client in mine:
        assert (await client.event("note"))["text"] == "for alice alone"
    await other.command("ping")
    assert not [frame for frame in other.frames if frame["type"] == "note"]


async def test_the_number_of_a_closed_socket_is_not_written_to_again(probe):
    """A new socket may get the number at once: its first frame must be its own greeting."""
    clients = await everybody(probe, names=["cpu"])
    publishing = asyncio.create_task(keep_ticking())
    try:
        for client in clients:
            client.connection.transport.abort()
            newcomer = await probe("bob@1")
            assert (await newcomer.next())["type"] == "connection_established"
            assert (await newcomer.next())["type"] == "heartbeat"
    finally:
        publishing.cancel()


async def test_a_connection_that_is_gone_has_no_socket_any_more(probe):
    client = await probe("alice@1")
    [connection] = (await get_hub()).connections
    client.connection.transport.abort()
    async with asyncio.timeout(5):
        while connection.outlet.descriptor != -1:
            await asyncio.sleep(0.01)


async def test_a_value_never_overtakes_an_older_one_that_waits():
    """The peer is ready again and its missed data is about to be written: a new value waits."""
    written = []
    outlet = SimpleNamespace(
        ready=False, write=lambda bundle: written.extend(map(json.loads, bundle.messages))
    )
    connection = Connection("one", outlet, close=None, slow_consumer_timeout=1)
    feed = LatestFeed(StreamKey(1, VALUES))
    feed.follow(connection, Chosen(frozenset({"cpu", "memory"})))
    feed.receive({"payload": b'{"cpu": 1, "memory": 1}'})
    feed.flush()
    outlet.ready = True
    feed.receive({"payload": b'{"cpu": 2}'})
    feed.flush()
    await connection.pumping
    assert written == [{"type": "tick", "values": {"cpu": 2, "memory": 1}}]


async def keep_ticking():
    number = 0
    while True:
        number += 1
        await tick(number)


class FakeTransport:
    """A transport with the socket number 7 and `buffered` waiting bytes."""

    buffered = 0
    closing = False

    def get_extra_info(self, name):
        return SimpleNamespace(fileno=lambda: 7) if name == "socket" else None

    def get_write_buffer_size(self):
        return self.buffered

    def is_closing(self):
        return self.closing

    def write(self, data):
        self.buffered += len(data)

    def close(self):
        self.closing = True

    abort = close

    def write_eof(self):
        pass


@pytest.fixture
def watched():
    transport = FakeTransport()
    watched = WatchedTransport(transport)
    outlet = RawOutlet(SimpleNamespace(transport=watched), Format.PLAIN)
    WatchedTransport.settle()
    assert not outlet.busy
    yield transport, watched, outlet
    watched.retire()


def test_an_outlet_is_busy_until_its_transport_has_sent_all(watched):
    transport, watching, outlet = watched
    watching.write(b"reply")
    assert outlet.busy
    WatchedTransport.settle()
    assert outlet.busy
    transport.buffered = 0
    WatchedTransport.settle()
    assert not outlet.busy


@pytest.mark.parametrize("end", ["close", "abort", "write_eof"])
def test_an_outlet_that_closes_is_never_written_to_past_its_transport(watched, end):
    _, watching, outlet = watched
    getattr(watching, end)()
    WatchedTransport.settle()
    assert outlet.busy


def test_a_broken_transport_that_closes_itself_is_never_written_past(watched):
    transport, watching, outlet = watched
    watching.write(b"reply")
    transport.buffered, transport.closing = 0, True
    WatchedTransport.settle()
    assert outlet.busy


def test_a_lost_connection_forgets_its_socket_at_once(watched):
    _, watching, outlet = watched
    watching.retire()
    WatchedTransport.settle()
    assert outlet.busy
    assert outlet.descriptor == -1


def test_a_transport_that_encrypts_is_never_written_past():
    transport = FakeTransport()
    transport.get_extra_info = lambda name: SimpleNamespace(fileno=lambda: 7)
    outlet = RawOutlet(SimpleNamespace(transport=WatchedTransport(transport)), Format.PLAIN)
    WatchedTransport.settle()
    assert outlet.busy


@pytest.mark.skipif(platform.system() != "Linux", reason="only Linux has io_submit")
def test_this_machine_writes_by_the_kernel():
    """Otherwise the tests above would not have tested it."""
    assert submitter() is not None
