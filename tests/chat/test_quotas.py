"""Quotas: what one member may use up, and what others may do to a member's subscription."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from chat import services
from chat.models import Attachment
from realtime.errors import Conflict
from tests.conftest import Connect
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db


@pytest.fixture
def quotas(settings: Any) -> dict[str, int]:
    settings.QUOTAS = dict(settings.QUOTAS)
    return settings.QUOTAS


def test_a_member_makes_only_so_many_rooms_and_others_still_make_theirs(
    team: Team, quotas: dict[str, int]
) -> None:
    quotas["rooms"] = 3
    team.room("Third")
    with pytest.raises(Conflict, match="at most 3 rooms") as refused:
        team.room("Fourth")
    assert "name" in refused.value.errors
    team.room("Bobs", owner=team.bob)
    team.room("Admins", owner=team.person("boss", "admin"))


def test_making_and_deleting_rooms_all_day_is_no_way_around(
    team: Team, quotas: dict[str, int]
) -> None:
    quotas["rooms"] = 5
    for number in range(3):
        room = team.room(f"Short {number}", slug=f"short-{number}")
        services.delete_room(principal=team.as_(team.alice), room=room.slug)
    with pytest.raises(Conflict):
        team.room("Another")


def test_a_members_files_take_only_so_much_of_the_disk(team: Team, quotas: dict[str, int]) -> None:
    quotas["storage_mib"] = 1
    Attachment.objects.create(
        room=team.ops, uploader=team.bob, name="a", size=2**20 - 10, content_type="x/y", key="a"
    )
    bob = team.as_(team.bob)
    services.check_upload(principal=bob, room="general", size=10)
    with pytest.raises(Conflict, match="more than 1 MiB") as refused:
        services.check_upload(principal=bob, room="general", size=11)
    assert "size" in refused.value.errors
    services.check_upload(principal=team.as_(team.alice), room="general", size=11)


def test_one_member_does_not_use_up_the_kinds_of_reactions(team: Team) -> None:
    sent = team.say(team.alice, team.general)
    kinds = ["👍", "🎉", "😀", "🚀", "👀", "🔥", "💯", "🙏", "👏", "🐛", "🍕"]

    def react(user: Any, emoji: str) -> None:
        services.set_reaction(
            principal=team.as_(user), message_id=sent.message_id, emoji=emoji, on=True
        )

    for emoji in kinds[:10]:
        react(team.bob, emoji)
    with pytest.raises(Conflict, match="at most 10 emoji"):
        react(team.bob, kinds[10])
    react(team.alice, kinds[10])


@pytest.mark.django_db(transaction=True)
async def test_rooms_that_others_add_one_to_do_not_break_a_subscription_to_all(
    connect: Connect, settings: Any
) -> None:
    settings.REALTIME_LIMITS = {**settings.REALTIME_LIMITS, "max_subscriptions": 5}
    team = await sync_to_async(Team)()

    def add() -> None:
        for number in range(6):
            team.room(f"Trap {number}", slug=f"trap-{number}", kind="private", people=[team.bob])
        team.say(team.alice, team.ops, "the newest message")

    await sync_to_async(add)()
    socket = await connect("/ws/chat/", user=team.bob)
    confirmed = await socket.command("subscribe")
    assert confirmed["type"] == "subscription_confirmed", confirmed
    assert len(confirmed["rooms"]) == 5
    assert "ops" in confirmed["rooms"]
    assert len(confirmed["not_followed"]) == 3
    assert not set(confirmed["rooms"]) & set(confirmed["not_followed"])
    again = await socket.command("subscribe")
    assert again["rooms"].keys() == confirmed["rooms"].keys()


@pytest.mark.django_db(transaction=True)
async def test_nothing_is_left_out_where_there_is_place(connect: Connect) -> None:
    team = await sync_to_async(Team)()
    socket = await connect("/ws/chat/", user=team.bob)
    confirmed = await socket.command("subscribe")
    assert confirmed["rooms"].keys() == {"general", "ops"}
    assert "not_followed" not in confirmed
