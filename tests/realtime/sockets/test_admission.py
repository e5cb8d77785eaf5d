"""Limits of admission: by process, by address, by user (docs/protocol/limits-and-errors.md)."""

import asyncio
import time

import pytest
from channels.testing import WebsocketCommunicator
from django.db import OperationalError
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from realtime import auth
from realtime.addresses import address_block
from realtime.auth import authenticator
from realtime.database import threads
from realtime.errors import NotFound
from realtime.hub import get_hub, stop_hub
from realtime.sockets import admission
from realtime.sockets.limits import Occupancy
from tests.realtime import endpoints
from tests.realtime.endpoints import ProbeConsumer, application

ALICE = sum(b"alice")


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
    assert admission.occupancy.count(("user", ALICE)) == 0


async def test_a_session_revoked_while_the_first_frame_is_looked_up_is_not_let_in(
    probe, monkeypatch
):
    """The session was valid, then revoked and announced everywhere. No place was taken by then."""
    hub, client, end, left = await get_hub(), await probe(), ProbeConsumer.end, []

    async def noted(consumer, ending):
        place = admission.occupancy.count(("user", ALICE))
        left.append((consumer.connection.principal, place, dict(hub.roster._of_user)))
        await end(consumer, ending)

    monkeypatch.setattr(ProbeConsumer, "end", noted)
    monkeypatch.setattr("realtime.sockets.admission.authenticator", lambda: revoked_meanwhile(hub))
    await client.event("heartbeat")
    await client.send({"action": "authenticate", "token": "alice@1"})
    assert await client.closed() == 4500
    assert [frame["type"] for frame in client.frames if frame["type"] != "heartbeat"] == [
        "connection_established",
        "disconnect",
    ]
    assert left == [(None, 0, {})]


async def test_a_session_revoked_between_its_look_up_and_its_registration_ends_the_socket(
    probe, monkeypatch
):
    async def revoked_after(hub, place, shown):
        found = await admission.admit(hub, place, shown)
        await threads.call(auth.revoke, user_id=ALICE)
        async with asyncio.timeout(5):
            while not hub.revocations._recent:
                await asyncio.sleep(0.01)
        return found

    monkeypatch.setattr("realtime.sockets.lifecycle.admit", revoked_after)
    client = await probe("alice@1")
    assert await client.closed() == 4500
    assert (await get_hub()).roster._of_user == {}


async def test_a_refused_first_frame_leaves_no_trace(probe, limits):
    limits["max_connections_per_user"] = 1
    mine, late = await probe("alice@1"), await probe()
    await mine.command("enter", scope="room")
    await late.send({"action": "authenticate", "token": "alice@1"})
    assert await late.closed() == 1013
    assert "auth_success" not in [frame["type"] for frame in late.frames]
    assert admission.occupancy.count(("user", ALICE)) == 1
    await mine.close()
    await all_gone()
    assert (await get_hub()).roster._of_user == {}
    assert (await (await probe("alice@1")).next())["type"] == "connection_established"


async def test_naming_oneself_again_counts_once_and_connects_once(probe, limits, monkeypatch):
    limits["max_connections_per_user"] = 1
    connected = []

    async def noted(consumer):
        connected.append(consumer.principal.username)

    monkeypatch.setattr(ProbeConsumer, "connected", noted)
    client = await probe()
    for _ in range(2):
        answer = await client.command("authenticate", token="alice@1")
        assert answer["type"] == "auth_success"
    assert connected == ["alice"]
    assert admission.occupancy.count(("user", ALICE)) == 1


@pytest.mark.parametrize(("token", "code"), [("nobody", "unauthenticated"), ("bob@1", "conflict")])
async def test_a_known_client_that_shows_a_wrong_token_is_told_and_stays_who_it_is(
    probe, token, code
):
    client = await probe("alice@1")
    answer = await client.command("authenticate", token=token)
    assert (answer["type"], answer["code"]) == ("error", code)
    same = await client.command("authenticate", token="alice@1")
    assert (same["type"], same["username"]) == ("auth_success", "alice")


async def test_what_fails_on_entering_is_told_after_the_success_and_ends_nothing(
    probe, monkeypatch
):
    async def fails(consumer):
        raise NotFound("There is no such room.")

    monkeypatch.setattr(ProbeConsumer, "connected", fails)
    for client in (await probe("alice@1"), await probe()):
        answer = await client.command("authenticate", token="alice@1")
        assert answer["type"] == "auth_success"
        error = await client.event("error")
        assert (error["code"], "id" in error) == ("not_found", False)
        assert (await client.command("ping"))["type"] == "pong"


async def test_nobody_is_let_in_while_nobody_can_be_looked_up(probe, monkeypatch):
    def away(shown):
        raise OperationalError("the database is away")

    monkeypatch.setattr("realtime.sockets.admission.authenticator", lambda: away)
    assert await (await probe("alice@1")).closed() == 1013
    late = await probe()
    await late.send({"action": "authenticate", "token": "alice@1"})
    assert await late.closed() == 1013


def revoked_meanwhile(hub):
    """Return an authenticator whose token is revoked, as this process knows, before it returns."""

    def authenticate(shown):
        found = endpoints.authenticate(shown)
        auth.revoke(user_id=ALICE)
        deadline = time.monotonic() + 5
        while not hub.revocations._recent and time.monotonic() < deadline:
            time.sleep(0.01)
        return found

    return authenticate


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
