"""Text that events have quoted can be retracted, in the database and in every process."""

from __future__ import annotations

import json

import pytest

from realtime.database import threads
from realtime.protocol import Event
from realtime.streams import log, retractions
from realtime.streams.log import StreamKey
from realtime.streams.unit_of_work import emit, unit_of_work
from tests.realtime.conftest import Probe

LETTERS = StreamKey(1, "letters:pit")


class Quoted(Event, tag="quoted"):
    number: int
    text: str

    @property
    def subject(self) -> int:
        return self.number


class TakenBack(Event, tag="taken_back"):
    number: int


retractions.register("letters:", TakenBack)


@unit_of_work
def quote(number: int, text: str, key: StreamKey = LETTERS) -> None:
    emit(key, Quoted(number=number, text=text))


@unit_of_work
def take_back(number: int) -> None:
    log.rewrite([LETTERS], [number], emptied)
    emit(LETTERS, TakenBack(number=number))


def emptied(payload: str) -> str:
    return json.dumps(json.loads(payload) | {"text": ""})


@pytest.mark.django_db
def test_only_what_quotes_it_in_that_stream_is_rewritten() -> None:
    elsewhere = StreamKey(1, "letters:box")
    for number in (1, 2, 1):
        quote(number, f"secret {number}")
    quote(1, "another's", key=elsewhere)
    take_back(1)
    epoch = log.extents([LETTERS])[LETTERS].epoch
    told = log.replay(LETTERS, epoch, 0)
    assert [json.loads(each.payload).get("text") for each in told] == ["", "secret 2", "", None]
    assert [each.offset for each in told] == [1, 2, 3, 4]
    (other,) = log.replay(elsewhere, log.extents([elsewhere])[elsewhere].epoch, 0)
    assert "another's" in other.payload


async def test_who_resumes_never_hears_what_was_taken_back(probe: Probe) -> None:
    # These sockets follow all the time: the process has the newest events in memory.
    first, second = await probe("alice@1"), await probe("bob@1")
    for client in (first, second):
        confirmed = await client.command("subscribe", logs=[LETTERS.name])
    await second.close()
    await threads.call(quote, 1, "secret")
    await threads.call(quote, 2, "kept")
    await threads.call(take_back, 1)
    assert [(await first.event("quoted"))["text"] for _ in range(2)] == ["secret", "kept"]
    await first.event("taken_back")
    epoch = confirmed["positions"][LETTERS.name]["epoch"]
    again = await probe("bob@1")
    await again.command(
        "subscribe", logs=[LETTERS.name], recover={LETTERS.name: {"epoch": epoch, "offset": 0}}
    )
    told = [await again.event("quoted") for _ in range(2)]
    assert [(each["text"], each["offset"]) for each in told] == [("", 1), ("kept", 2)]
    assert (await again.event("taken_back"))["offset"] == 3
    await threads.call(quote, 3, "live")
    assert [(await each.event("quoted"))["offset"] for each in (first, again)] == [4, 4]
