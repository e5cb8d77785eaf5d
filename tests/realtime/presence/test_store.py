"""Presence in scopes: several tabs, several processes, a process that dies."""

import asyncio
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from realtime.database import threads
from realtime.models import Presence, Process
from realtime.presence import rules, store
from realtime.presence.store import Change, Seat
from realtime.process.reporter import PROCESS_ID

ALICE = sum(b"alice")
OPS = "room:ops"
SEAT = Seat(1, OPS, ALICE)


@pytest.fixture
def changes(monkeypatch):
    """Record the changes that listeners get, in order."""
    told: list[Change] = []
    monkeypatch.setattr(store, "_listeners", [told.append])
    return told


@pytest.fixture
def short_grace(monkeypatch):
    monkeypatch.setattr(rules, "GRACE", 0.5)


async def becomes(expected, workspace_id=1, within=8.0):
    async with asyncio.timeout(within):
        while await threads.call(store.present, workspace_id, OPS) != expected:
            await asyncio.sleep(0.02)


def process_row(process_id, age=0.0):
    Process.objects.update_or_create(
        process_id=process_id,
        defaults={
            "role": "web",
            "host": "h",
            "pid": 1,
            "started_at": Now(),
            "seen_at": Now() - timedelta(seconds=age),
        },
    )


async def test_a_user_with_two_tabs_comes_once_and_leaves_with_the_last(
    probe, changes, short_grace
):
    first, second = await probe("alice@1"), await probe("alice@1")
    for client in (first, second):
        await client.command("enter", scope=OPS)
    await becomes([ALICE])
    await first.close()
    await second.command("leave", scope=OPS)
    await becomes([])
    async with asyncio.timeout(5):
        while len(changes) < 2:
            await asyncio.sleep(0.02)
    assert changes == [Change(SEAT, present=True), Change(SEAT, present=False)]


async def test_a_page_that_is_loaded_again_never_left(probe, changes):
    client = await probe("alice@1")
    await client.command("enter", scope=OPS)
    await becomes([ALICE])
    await client.close()
    async with asyncio.timeout(5):
        while not await threads.call(Presence.objects.exclude(check_at=None).exists):
            await asyncio.sleep(0.02)
    again = await probe("alice@1")
    await again.command("enter", scope=OPS)
    async with asyncio.timeout(5):
        while await threads.call(Presence.objects.exclude(check_at=None).exists):
            await asyncio.sleep(0.02)
    assert changes == [Change(SEAT, present=True)]


async def test_presence_in_one_workspace_says_nothing_of_another(probe):
    client = await probe("alice@1")
    await client.command("enter", scope=OPS)
    await becomes([ALICE])
    assert await threads.call(store.present, 2, OPS) == []


async def test_users_of_a_process_that_dies_have_left_after_the_grace(probe, changes, short_grace):
    await probe("bob@1")  # its process survives
    await threads.call(process_row, "doomed")
    await threads.call(store.record, SEAT, here=True, process_id="doomed")
    await becomes([ALICE])
    await threads.call(process_row, "doomed", age=6)
    await becomes([])
    async with asyncio.timeout(5):
        while len(changes) < 2:
            await asyncio.sleep(0.02)
    assert changes == [Change(SEAT, present=True), Change(SEAT, present=False)]


async def test_who_is_connected_elsewhere_too_stays_when_a_process_dies(
    probe, changes, short_grace
):
    client = await probe("alice@1")
    await client.command("enter", scope=OPS)
    await becomes([ALICE])
    await threads.call(process_row, "doomed")
    await threads.call(store.record, SEAT, here=True, process_id="doomed")
    await threads.call(process_row, "doomed", age=6)
    async with asyncio.timeout(10):
        while "doomed" in (await threads.call(Presence.objects.get)).holders:
            await asyncio.sleep(0.02)
    assert await threads.call(store.present, 1, OPS) == [ALICE]
    assert changes == [Change(SEAT, present=True)]


async def test_a_process_that_was_thought_dead_speaks_up(probe, changes):
    """Its report was late: the conclusions of other processes are corrected."""
    client = await probe("alice@1")
    await client.command("enter", scope=OPS)
    await becomes([ALICE])

    def doubt() -> None:
        row = Presence.objects.get()
        row.holders = rules.left(row.holders, PROCESS_ID, 4e9)
        row.check_at = Now()
        row.save()

    await threads.call(doubt)
    async with asyncio.timeout(5):
        while (await threads.call(Presence.objects.get)).holders != {PROCESS_ID: None}:
            await asyncio.sleep(0.02)
    assert changes == [Change(SEAT, present=True)]
