"""People who get another name: everybody who is connected is told, and so are their rooms."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from accounts.services import save_user, update_profile
from chat import services
from chat.streams import keys
from realtime.streams.log import extents
from tests.conftest import Connect
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db(transaction=True)


async def test_every_page_of_the_workspace_hears_of_a_new_name(connect: Connect) -> None:
    team = await sync_to_async(Team)()
    pages = [
        await connect(path, user=team.carol)
        for path in ("/ws/chat/", "/ws/notifications/", "/ws/dashboard/")
    ]
    await sync_to_async(update_profile)(
        user=team.bob, first_name="Robert", last_name="Tables", email=""
    )
    for page in pages:
        told = await page.event("user_updated", within=1)
        assert told["user_id"] == team.bob.pk
        assert (told["username"], told["name"]) == ("bob", "Robert Tables")
        assert "offset" not in told


async def test_a_room_keeps_the_new_login_among_its_events(connect: Connect) -> None:
    team = await sync_to_async(Team)()
    socket = await connect("/ws/chat/", user=team.alice)
    await socket.command("subscribe", rooms=["ops"])

    def rename() -> None:
        team.bob.username = "robert"
        save_user(user=team.bob, changed=["username"])

    await sync_to_async(rename)()
    told = [await socket.event("user_updated", within=1) for _ in range(2)]
    durable = next(frame for frame in told if "stream" in frame)
    assert (durable["room"], durable["username"], durable["name"]) == ("ops", "robert", "robert")


@pytest.mark.parametrize("still_there", [True, False])
def test_rooms_hear_of_the_names_of_members_and_of_authors_who_have_gone(still_there: bool) -> None:
    team = Team()
    team.say(team.bob, team.ops)
    if not still_there:
        services.remove_member(principal=team.as_(team.alice), room="ops", user_id=team.bob.pk)
    key = keys.room(team.workspace.pk, "ops")
    before = extents([key])[key].head
    update_profile(user=team.bob, first_name="Robert", last_name="", email="")
    assert extents([key])[key].head == before + 1


def test_rooms_that_never_saw_a_person_hear_nothing(team: Team) -> None:
    key = keys.room(team.workspace.pk, "ops")
    before = extents([key])[key].head
    update_profile(user=team.carol, first_name="Caroline", last_name="", email="")
    assert extents([key])[key].head == before
