"""The Hub's groups, while the layer answers and while it does not."""

import asyncio
import time

import pytest

from realtime.streams import outbox
from realtime.streams.layer_groups import LayerGroups


class Layer:
    """A channel layer that accepts every request, and answers while `there` is set."""

    def __init__(self):
        self.there = asyncio.Event()
        self.there.set()
        self.members = set()
        self.asked = 0

    async def new_channel(self, prefix):
        return prefix

    async def group_add(self, group, channel):
        self.asked += 1
        await self.there.wait()
        self.members.add(group)

    async def group_discard(self, group, channel):
        self.asked += 1
        await self.there.wait()
        self.members.discard(group)


@pytest.fixture
def layer(monkeypatch):
    monkeypatch.setattr(outbox, "SEND_TIMEOUT", 0.1)
    return Layer()


async def test_a_layer_that_does_not_answer_is_waited_for_once(layer):
    groups = LayerGroups(layer)
    await groups.open()
    layer.there.clear()
    asked, began = layer.asked, time.monotonic()
    for number in range(50):
        await groups.join(f"stream.{number}")
    for number in range(20):
        await groups.leave(f"stream.{number}")
    await groups.repair()
    assert time.monotonic() - began < 1
    assert layer.asked - asked == 2


async def test_what_it_could_not_be_asked_is_asked_once_it_answers_again(layer):
    groups = LayerGroups(layer)
    await groups.open()
    await groups.join("before")
    layer.there.clear()
    await groups.join("during")
    await groups.leave("before")
    layer.there.set()
    await groups.repair()
    assert layer.members == {outbox.CONTROL_GROUP, "during"}
    assert groups.complete
    await groups.join("after")
    assert "after" in layer.members


async def test_a_group_that_is_wanted_again_is_not_left_behind_its_back(layer):
    """A new follower arrives while the layer is asked to leave the group of the last one."""
    groups = LayerGroups(layer)
    await groups.open()
    await groups.join("room")
    layer.there.clear()
    leaving = asyncio.create_task(groups.leave("room"))
    await asyncio.sleep(0)
    layer.there.set()
    await groups.join("room")
    await leaving
    await groups.repair()
    assert "room" in layer.members
