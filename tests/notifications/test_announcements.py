"""Announcements: saved in the admin, delivered at once, kept for absent users."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from notifications.models import Announcement, Notification
from tests.notifications.conftest import Inbox, Team, call
from tests.support.people import make_member, make_user, make_workspace

ADMIN = "/admin/notifications"


def boss() -> Client:
    client = Client()
    client.force_login(User.objects.filter(username="boss").first() or make_user(
        "boss", is_staff=True, is_superuser=True
    ))  # fmt: skip
    return client


def save(**fields: Any) -> Any:
    form = {"message": "Track is closed at 18:00", "severity": "warning", **fields}
    return boss().post(f"{ADMIN}/announcement/add/", form)


@pytest.mark.django_db(transaction=True)
async def test_saving_one_tells_everybody_of_the_workspace_and_nobody_else(
    inbox: Inbox, live_team: Team
) -> None:
    stranger = await call(lambda: make_member(make_workspace()))
    ann, ben, other = await inbox(live_team.ann), await inbox(live_team.ben), await inbox(stranger)
    answer = await call(save, workspace=live_team.workspace.pk, keep="on")
    assert answer.status_code == 302
    for client in (ann, ben):
        heard = await client.event("system_notification")
        assert (heard["message"], heard["severity"]) == ("Track is closed at 18:00", "warning")
        kept = await client.event("new_notification")
        assert (kept["data"]["kind"], kept["data"]["title"]) == ("announcement", heard["message"])
    await other.command("ping")
    types = {frame["type"] for frame in other.frames}
    assert not types & {"system_notification", "new_notification"}


@pytest.mark.django_db(transaction=True)
async def test_without_a_workspace_it_is_for_everybody(inbox: Inbox, live_team: Team) -> None:
    stranger = await call(lambda: make_member(make_workspace()))
    clients = [await inbox(user) for user in (live_team.ann, stranger)]
    await call(save, keep="")
    for client in clients:
        await client.event("system_notification")
        await client.command("ping")
        assert "new_notification" not in [frame["type"] for frame in client.frames]


@pytest.mark.django_db
def test_what_was_announced_is_listed_and_cannot_be_changed(team: Team) -> None:
    save(workspace=team.workspace.pk, keep="on")
    announcement = Announcement.objects.get()
    assert announcement.author is not None
    assert announcement.author.username == "boss"
    client = boss()
    assert client.get(f"{ADMIN}/announcement/").status_code == 200
    page = f"{ADMIN}/announcement/{announcement.pk}/change/"
    assert client.get(page).status_code == 200
    assert client.post(page, {"message": "Other"}).status_code == 403
    assert Notification.objects.count() == 3


@pytest.mark.django_db
def test_the_admin_lists_notifications_and_changes_none(team: Team) -> None:
    (told,) = team.tell(team.ann)
    client = boss()
    assert client.get(f"{ADMIN}/notification/?q=box").status_code == 200
    assert client.get(f"{ADMIN}/notification/{told.pk}/change/").status_code == 200
    for path in ("add", f"{told.pk}/delete"):
        assert client.post(f"{ADMIN}/notification/{path}/", {"post": "yes"}).status_code == 403
    assert Notification.objects.count() == 1
