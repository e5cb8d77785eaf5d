"""How many sockets are let in: by process, by address, by user (docs/protocol.md, Lifecycle)."""

import asyncio

import pytest
from channels.testing import WebsocketCommunicator
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from realtime import admission
from realtime.auth import authenticator
from realtime.hub import stop_hub
from realtime.limits import Occupancy, address_block
from tests.realtime.endpoints import ProbeConsumer, application


async def refused(opening) -> tuple[int, str | None]:
    with pytest.raises(InvalidStatus) as refusal:
        await opening
    response = refusal.value.response
    return response.status_code, response.headers.get("Retry-After")


async def all_gone() -> None:
    async with asyncio.timeout(5):
        while admission.occupancy.count("process"):
            await asyncio.sleep(0.01)


async def test_an_address_has_so_many_sockets_and_is_told_to_wait(probe, limits):
    limits["max_connections_per_address"] = 2
    first, _second = await probe("alice@1"), await probe()
    assert await refused(probe("bob@1")) == (429, "5")
    await first.close()
    async with asyncio.timeout(5):
        while admission.occupancy.count("process") > 1:
            await asyncio.sleep(0.01)
    assert (await (await probe("bob@1")).next())["type"] == "connection_established"


async def test_a_user_has_so_many_sockets_wherever_they_come_from(probe, limits):
    limits["max_connections_per_user"] = 1
    await probe("alice@1")
    assert await refused(probe("alice@2")) == (429, "5")
    assert (await (await probe("bob@1")).next())["type"] == "connection_established"


async def test_who_tells_their_name_too_late_for_a_place_is_closed_with_1013(probe, limits):
    limits["max_connections_per_user"] = 1
    await probe("alice@1")
    late = await probe()
    await late.send({"action": "authenticate", "token": "alice@1"})
    assert await late.closed() == 1013
    assert late.frames[-1]["retry_after"] == 5


async def test_a_full_process_answers_503(probe, limits):
    limits["max_connections"] = 1
    await probe()
    assert await refused(probe()) == (503, "5")


async def test_a_place_is_free_again_however_a_socket_ends(probe, limits, monkeypatch):
    limits["heartbeat_timeout"] = 0.5
    await probe("alice@1")  # falls silent
    closing = await probe("alice@1")
    await closing.send({"action": "close"})
    cut = await probe("alice@1")
    cut.connection.transport.abort()
    await probe("nobody")  # refused after the upgrade

    async def fails(consumer: ProbeConsumer) -> None:
        raise SystemError("a bug before the first frame")

    await all_gone()
    monkeypatch.setattr(ProbeConsumer, "_live", lambda *_, **__: fails(None))
    await probe("alice@1")
    await all_gone()
    assert admission.occupancy.count(("address", "127.0.0.1")) == 0
    assert admission.occupancy.count(("user", sum(b"alice"))) == 0


@pytest.mark.django_db(transaction=True)
async def test_on_a_server_that_cannot_answer_429_the_socket_is_closed_with_1013(settings, limits):
    settings.REALTIME_AUTHENTICATE = "tests.realtime.endpoints.authenticate"
    authenticator.cache_clear()
    limits["max_connections"] = 0
    client = WebsocketCommunicator(application, "/ws/probe/")
    try:
        connected, _ = await client.connect()
        assert connected
        closing = await client.receive_output()
        assert (closing["type"], closing["code"]) == ("websocket.close", 1013)
    finally:
        await client.disconnect()
        await stop_hub()
        authenticator.cache_clear()


actions = st.lists(st.tuples(st.sampled_from("el"), st.integers(0, 5), st.sampled_from("ab")))


@given(actions, st.integers(1, 3))
def test_counts_are_those_of_who_is_in(done, limit):
    occupancy, inside = Occupancy(), {"a": set(), "b": set()}
    for action, member, group in done:
        if action == "e":
            entered = occupancy.enter(group, member, limit)
            assert entered == (member in inside[group] or len(inside[group]) < limit)
            if entered:
                inside[group].add(member)
        else:
            occupancy.leave(member)
            for members in inside.values():
                members.discard(member)
        assert {name: occupancy.count(name) for name in inside} == {
            name: len(members) for name, members in inside.items()
        }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8::ffff:1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
    ],
)
def test_one_subscriber_counts_once_whatever_address_of_theirs_is_used(one, other):
    assert address_block(one) == address_block(other)


def test_different_subscribers_count_apart():
    assert (
        len(
            {
                address_block(a)
                for a in ("10.0.0.1", "10.0.0.2", "2001:db8:0:1::1", "2001:db8:0:2::1", "unix")
            }
        )
        == 5
    )
