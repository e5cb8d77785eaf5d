"""Books over real sockets: loaded once, updated without gaps, conflated for slow readers."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from django.db import OperationalError, transaction

from realtime.database import threads
from realtime.fanout import book
from realtime.fanout.book import BookFeed
from realtime.fanout.connection import Connection
from realtime.hub import get_hub
from realtime.streams import publish
from realtime.streams.book_state import BookUpdate
from tests.realtime import endpoints
from tests.realtime.test_hub import note
from tests.realtime.toy_book import PREFIX, ClientBook, Venue, key
from tests.support.server import serving
from tests.support.sockets import SocketClient

ACME = PREFIX + "ACME"


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> Iterator[Venue]:
    venue = Venue()
    book.register(PREFIX, venue.source())
    for price in range(1, 21):
        venue.commit(("bid", 10_000 - price, price), ("ask", 10_000 + price, price))
    yield venue
    del book._sources._items[PREFIX]


@pytest.fixture
def frequent_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll often. List it before `probe`: the Hub reads the interval when it starts."""
    monkeypatch.setattr("realtime.hub.POLL_INTERVAL", 0.05)


async def tell(*updates: BookUpdate) -> None:
    for update in updates:
        await threads.call(publish.publish_book, key(), update)


async def follow(client: SocketClient) -> ClientBook:
    """Subscribe; returns the client's book after the snapshot."""
    await client.command("subscribe", books=[ACME])
    mine = ClientBook()
    mine.take(await client.event("book_snapshot"))
    return mine


async def read_until(client: SocketClient, mine: ClientBook, sequence: int) -> None:
    """Apply the book's frames in order up to `sequence`."""
    async with asyncio.timeout(20):
        while mine.sequence is None or mine.sequence < sequence:
            frame = await client.next(within=20)
            if frame["type"].startswith("book_"):
                mine.take(frame)


async def settled(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_snapshot_comes_after_the_confirmation_and_each_update_once(
    probe: Any, venue: Venue
) -> None:
    client = await probe("alice@1")
    await client.event("heartbeat")
    client.frames.clear()
    await client.send({"action": "subscribe", "books": [ACME]})
    frames = [await client.next() for _ in range(2)]
    assert [frame["type"] for frame in frames] == ["subscription_confirmed", "book_snapshot"]
    mine = ClientBook()
    mine.take(frames[1])
    for price in range(9_990, 9_995):
        await tell(venue.commit(("bid", price, 7)))
    await tell(venue.commit(("bid", 9_999, 0)), venue.commit())
    await read_until(client, mine, 27)
    assert mine.updates == [(sequence, sequence) for sequence in range(21, 28)]
    assert mine.equals(venue.book())


async def test_several_commands_may_be_one_update(probe: Any, venue: Venue) -> None:
    client = await probe("alice@1")
    mine = await follow(client)
    first, last = venue.commit(("ask", 10_050, 1)), venue.commit(("ask", 10_051, 2))
    changes = [*first.changes, *last.changes]
    await tell(BookUpdate(first.first_sequence, last.last_sequence, changes))
    await read_until(client, mine, 22)
    assert mine.updates == [(21, 22)]
    assert mine.equals(venue.book())


async def test_an_update_is_told_once_its_transaction_has_committed(
    probe: Any, venue: Venue
) -> None:
    client = await probe("alice@1")
    mine = await follow(client)

    def rolls_back() -> None:
        with transaction.atomic():
            publish.publish_book(key(), BookUpdate(21, 21, [("bid", 1, 1)]))
            transaction.set_rollback(True)

    await threads.call(rolls_back)
    await tell(venue.commit(("bid", 9_990, 3)))
    await read_until(client, mine, 21)
    assert mine.equals(venue.book())


async def test_a_lost_wake_up_is_one_update_that_holds_the_difference(
    probe: Any, venue: Venue
) -> None:
    clients = [await probe("alice@1") for _ in range(3)]
    books = [await follow(client) for client in clients]
    venue.commit(("bid", 9_999, 0))
    venue.commit(("ask", 10_001, 50))
    await tell(venue.commit(("ask", 10_030, 5)))
    for client, mine in zip(clients, books, strict=True):
        await read_until(client, mine, 23)
        assert mine.updates == [(21, 23)]
        assert (mine.snapshots, mine.equals(venue.book())) == (1, True)
    assert venue.loads == 2, "once for all of them, and once after the loss"


async def test_what_was_lost_last_is_found_by_the_poll(
    frequent_poll: None, probe: Any, venue: Venue
) -> None:
    client = await probe("alice@1")
    mine = await follow(client)
    venue.commit(("bid", 9_999, 0))
    await read_until(client, mine, 21)
    assert mine.equals(venue.book())
    loads = venue.loads
    await tell(venue.commit(("bid", 9_999, 4)))
    await read_until(client, mine, 22)
    await asyncio.sleep(0.3)
    assert venue.loads == loads, "nothing was lost since"


async def test_wake_ups_that_come_twice_and_out_of_order_make_no_gap(
    probe: Any, venue: Venue
) -> None:
    client = await probe("alice@1")
    mine = await follow(client)
    chance = random.Random(9)
    for _ in range(10):
        updates = [
            venue.commit((chance.choice(["bid", "ask"]), chance.randint(9_980, 10_020), n % 4))
            for n in range(8)
        ]
        await tell(*chance.sample(updates, 8), *chance.sample(updates, 3))
    await read_until(client, mine, 100)
    assert mine.equals(venue.book())
    assert mine.snapshots == 1


async def test_many_who_come_at_once_share_one_load_and_nothing_falls_between(
    probe: Any, venue: Venue
) -> None:
    may_read = threading.Event()
    venue.before_load = lambda: may_read.wait(10) and None
    clients = [await probe(f"client{number}@1") for number in range(8)]
    coming = [asyncio.create_task(follow(client)) for client in clients]
    await settled(lambda: venue.loads)
    await tell(venue.commit(("bid", 9_990, 1)))
    # Longer than the Hub keeps a stream without followers.
    await asyncio.sleep(1.3)
    late = await probe("late@1")
    coming.append(asyncio.create_task(follow(late)))
    await tell(venue.commit(("bid", 9_991, 1)))
    may_read.set()
    books = await asyncio.gather(*coming)
    await tell(venue.commit(("bid", 9_992, 1)))
    for client, mine in zip([*clients, late], books, strict=True):
        await read_until(client, mine, 23)
        assert mine.equals(venue.book())
    assert venue.loads == 1


async def test_updates_that_come_while_it_is_loaded_again_are_not_lost(
    probe: Any, venue: Venue
) -> None:
    client = await probe("alice@1")
    mine = await follow(client)
    read, may_return = threading.Event(), threading.Event()
    load = venue.source().load

    def slow(wanted: Any) -> Any:
        found = load(wanted)
        read.set()
        may_return.wait(10)
        return found

    hub = await get_hub()
    [feed] = hub._feeds.values()
    feed._source = book.BookSource(slow, venue.source().sequences)  # type: ignore[attr-defined]
    venue.commit(("bid", 9_999, 0))  # lost
    await tell(venue.commit(("bid", 9_998, 0)))
    await settled(read.is_set)
    await tell(venue.commit(("ask", 10_001, 0)), venue.commit(("ask", 10_002, 0)))
    may_return.set()
    await read_until(client, mine, 24)
    assert mine.equals(venue.book())
    assert venue.loads == 2


async def fill(client: SocketClient, venue: Venue) -> tuple[Any, int]:
    """Change the book until this client, which reads nothing, is no longer writable."""
    [connection] = [
        found
        for found in (await get_hub()).connections
        if found.principal is not None and found.principal.username == "slow"
    ]
    number = 0
    async with asyncio.timeout(20):
        while connection.outlet.ready:
            number += 1
            # Wide updates: all levels at once.
            changes = [("ask", 10_001 + n, 1 + (number + n) % 9) for n in range(400)]
            await tell(venue.commit(*changes))
            await asyncio.sleep(0)
    return connection, number


async def test_who_reads_late_gets_what_changed_since_as_one_update(
    probe: Any, venue: Venue
) -> None:
    slow, quick = await probe("slow@1", slow=True), await probe("quick@1")
    slow_book, quick_book = await follow(slow), await follow(quick)
    connection, _ = await fill(slow, venue)
    before = venue.book().sequence
    for number in range(200):
        await tell(venue.commit(("bid", 9_000 + number % 5, number + 1)))
    last = venue.book().sequence
    await read_until(quick, quick_book, last)
    assert quick_book.updates[-200:] == [(n, n) for n in range(before + 1, last + 1)]
    assert connection.skipped > 0
    await read_until(slow, slow_book, last)
    for mine in (slow_book, quick_book):
        assert mine.equals(venue.book())
    assert slow_book.snapshots == 1
    assert slow_book.updates[-1][1] - slow_book.updates[-1][0] > 100, "conflated"
    await tell(venue.commit(("bid", 9_000, 0)))
    await read_until(slow, slow_book, last + 1)
    assert slow_book.updates[-1] == (last + 1, last + 1), "it keeps up again"
    assert venue.loads == 1


async def test_who_reads_so_late_that_a_snapshot_is_smaller_gets_one(
    probe: Any, venue: Venue
) -> None:
    slow = await probe("slow@1", slow=True)
    mine = await follow(slow)
    await fill(slow, venue)
    everything = [(side, price, 0) for side, price in venue.book().quantities]
    await tell(venue.commit(*everything), venue.commit(("bid", 9_000, 1), ("ask", 9_100, 1)))
    await read_until(slow, mine, venue.book().sequence)
    assert mine.snapshots == 2
    assert mine.equals(venue.book())


async def test_one_who_reads_nothing_is_not_closed_and_costs_a_number(
    probe: Any, venue: Venue, limits: dict[str, float]
) -> None:
    limits["slow_consumer_timeout"] = 0.1
    slow = await probe("slow@1", slow=True)
    await follow(slow)
    connection, _ = await fill(slow, venue)
    buffered = connection.outlet._protocol.transport.get_write_buffer_size()
    for number in range(100):
        await tell(venue.commit(*(("ask", 10_001 + n, 1 + number % 9) for n in range(400))))
    await asyncio.sleep(0.3)
    assert connection.outlet._protocol.transport.get_write_buffer_size() <= buffered
    assert not connection.closing
    slow.connection.transport.abort()


async def test_who_subscribes_again_gets_a_snapshot_again(probe: Any, venue: Venue) -> None:
    client = await probe("alice@1")
    mine = await follow(client)
    await tell(venue.commit(("bid", 9_990, 1)))
    await read_until(client, mine, 21)
    await client.command("subscribe", books=[ACME])
    mine.take(await client.event("book_snapshot"))
    await tell(venue.commit(("bid", 9_990, 2)))
    await read_until(client, mine, 22)
    assert mine.equals(venue.book())
    assert (mine.snapshots, venue.loads) == (2, 1)


async def test_an_unsubscribed_book_is_silent(probe: Any, venue: Venue) -> None:
    gone, there = await probe("alice@1"), await probe("bob@1")
    await follow(gone)
    mine = await follow(there)
    await gone.command("unsubscribe", books=[ACME])
    await tell(venue.commit(("bid", 9_990, 1)))
    await read_until(there, mine, 21)
    assert "book_update" not in await gone.silence()


async def test_a_book_that_cannot_be_loaded_is_unavailable_and_later_it_is_there(
    probe: Any, venue: Venue
) -> None:
    def away() -> None:
        raise OperationalError("the database is away")

    venue.before_load = away
    client = await probe("alice@1")
    refused = await client.command("subscribe", books=[ACME])
    assert refused["code"] == "unavailable"
    about = await client.command("request_data", request="connection")
    assert about["data"]["subscriptions"] == []
    venue.before_load = lambda: None
    assert (await follow(client)).equals(venue.book())


async def test_a_loss_while_the_database_is_away_is_made_up_when_it_is_back(
    frequent_poll: None, probe: Any, venue: Venue
) -> None:
    client = await probe("alice@1")
    mine = await follow(client)

    def away() -> None:
        raise OperationalError("the database is away")

    venue.before_load = away
    venue.commit(("bid", 9_999, 0))
    await tell(venue.commit(("bid", 9_998, 0)))
    await settled(lambda: venue.loads > 2)
    venue.before_load = lambda: None
    await read_until(client, mine, 22)
    assert (mine.snapshots, mine.equals(venue.book())) == (1, True)


async def test_an_update_that_the_book_does_not_understand_costs_a_snapshot(
    probe: Any, venue: Venue
) -> None:
    client = await probe("alice@1")
    mine = await follow(client)
    venue.commit(("bid", 9_990, 8))
    await tell(BookUpdate(21, 21, [["bid", 9_990, 8], ["nonsense"]]))
    mine.take(await client.event("book_snapshot"))
    assert mine.equals(venue.book())
    await tell(venue.commit(("bid", 9_990, 9)))
    await read_until(client, mine, 22)
    assert mine.equals(venue.book())


async def test_after_a_restore_everybody_gets_the_book_that_was_restored(
    frequent_poll: None, probe: Any, venue: Venue
) -> None:
    client = await probe("alice@1")
    mine = await follow(client)
    backup = venue.book()
    await tell(venue.commit(("bid", 9_990, 1)), venue.commit(("bid", 9_989, 1)))
    await read_until(client, mine, 22)
    venue.restore(backup)
    mine.take(await client.event("book_snapshot"))
    assert mine.equals(backup)
    await tell(venue.commit(("bid", 9_988, 1)))
    await read_until(client, mine, 21)
    assert mine.equals(venue.book())


async def test_a_book_and_a_log_share_a_connection_that_reads_late(
    probe: Any, venue: Venue
) -> None:
    slow = await probe("slow@1", slow=True)
    await slow.command("subscribe", logs=["room:ops"])
    mine = await follow(slow)
    await fill(slow, venue)
    for number in range(20):
        await threads.call(note, f"{number}")
        await tell(venue.commit(("bid", 9_000, number + 1)))
    last, heard = venue.book().sequence, []
    async with asyncio.timeout(20):
        while mine.sequence != last or len(heard) < 20:
            frame = await slow.next(within=20)
            if frame["type"] == "note":
                heard.append(frame["text"])
            elif frame["type"].startswith("book_"):
                mine.take(frame)
    assert heard == [str(number) for number in range(20)]
    assert mine.equals(venue.book())


async def test_what_a_late_reader_was_told_at_once_is_not_told_again(
    transactional_db: None, venue: Venue
) -> None:
    """An update is waiting for the flush while the reader is caught up."""
    mine = ClientBook()
    outlet = SimpleNamespace(
        ready=True, write=lambda bundle: [mine.take(json.loads(text)) for text in bundle.messages]
    )
    connection = Connection("one", outlet, close=None, slow_consumer_timeout=1)  # type: ignore[arg-type]
    feed = BookFeed(key())
    await feed.prepare(None)
    feed.follow(connection, None)
    for price in (9_990, 9_991):
        update = venue.commit(("bid", price, 3))
        changes = msgspec.json.encode(update.changes)
        feed.receive({"first": update[0], "last": update[1], "changes": changes})
    assert connection.pumping is not None
    await connection.pumping
    feed.flush()
    assert (mine.snapshots, mine.sequence, mine.updates) == (1, 22, [])
    update = venue.commit(("bid", 9_992, 3))
    changes = msgspec.json.encode(update.changes)
    feed.receive({"first": update[0], "last": update[1], "changes": changes})
    feed.flush()
    assert mine.updates == [(23, 23)]


@asynccontextmanager
async def one_client(address: str) -> AsyncIterator[SocketClient]:
    headers = {"Authorization": "Bearer alice@1"}
    client = await SocketClient.open(f"ws://{address}/ws/probe/", headers)
    try:
        yield client
    finally:
        await client.close()


async def test_after_a_restart_of_the_process_the_sequence_goes_on(
    probe_authentication: None, venue: Venue
) -> None:
    async with serving(endpoints.application) as address, one_client(address) as client:
        mine = await follow(client)
        await tell(venue.commit(("bid", 9_990, 1)))
        await read_until(client, mine, 21)
    venue.commit(("bid", 9_991, 1))
    async with serving(endpoints.application) as address, one_client(address) as client:
        mine = await follow(client)
        assert mine.sequence == 22
        await tell(venue.commit(("bid", 9_992, 1)))
        await read_until(client, mine, 23)
        assert mine.equals(venue.book())
