"""No frame keeps the event loop busy: everything else that a process does waits meanwhile."""

from __future__ import annotations

import gc
import json
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress

import pytest

from chat.consumers.chat import ChatConsumer
from dashboard.consumers import DashboardConsumer
from notifications.consumers import NotificationsConsumer
from realtime.errors import AppError
from realtime.fanout.frames import inflate
from realtime.protocol import Command, convert, parse

LARGEST = 65_536
LONGEST = 0.05
# Values of the largest size, each expensive for another part of the parser.
VALUES = {
    "a long text": json.dumps("a" * 65_000),
    "escapes": '"' + r"\u0061" * 10_800 + '"',
    "many texts": json.dumps([f"r{number}" for number in range(7_000)]),
    "many lists": "[" + ",".join(["[]"] * 20_000) + "]",
    "many objects": "[" + ",".join(['{"kind":"a","reference":"b"}'] * 2_200) + "]",
    "many keys": json.dumps({f"room:{number}": {"epoch": "a"} for number in range(2_000)}),
    "deep lists": "[" * 30_000 + "]" * 30_000,
    "deep objects": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "digits": "1" * 65_000,
    "decimals": "1." + "1" * 64_900,
    "almost a slug": json.dumps("a-" * 32_000 + "!"),
}


def commands() -> Iterator[type[Command]]:
    for consumer in (ChatConsumer, DashboardConsumer, NotificationsConsumer):
        for command, _handler in consumer.handlers.values():
            yield command


@pytest.mark.parametrize("value", VALUES)
def test_the_costliest_frames_are_taken_or_refused_at_once(value: str) -> None:
    gc.disable()  # a collection costs as much as there are objects in the process
    try:
        for command in set(commands()):
            for name in command.__struct_encode_fields__:
                action = command.__struct_config__.tag
                frame = f'{{"id": 1, "action": "{action}", "{name}": {VALUES[value]}}}'
                began = time.thread_time()
                with suppress(AppError):
                    convert(parse(frame).fields, command)
                assert time.thread_time() - began < LONGEST, (command, name)
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "data", [zlib.compress(b"a" * 10**8)[:LARGEST], zlib.compress(bytes(range(256)) * 256)]
)
def test_a_compressed_frame_is_read_no_further_than_its_limit(data: bytes) -> None:
    began = time.thread_time()
    with suppress(ValueError):
        inflate(data, LARGEST)
    assert time.thread_time() - began < LONGEST
