"""The inbox page and the shell's bell, as rendered by the server."""

from __future__ import annotations

import pytest
from django.test import Client

from notifications import kinds
from tests.notifications.conftest import Team
from tests.support.people import make_user, make_workspace

pytestmark = pytest.mark.django_db


def signed_in(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


def test_the_inbox_knows_the_kinds_that_apps_have_registered(team: Team) -> None:
    team.tell(team.ann, kind="announcement")
    team.tell(team.ben)
    page = signed_in(team.ann).get("/inbox/")
    assert page.status_code == 200
    described = {each["name"]: each["known"] for each in page.context["kinds"]}
    assert set(described) == set(kinds.kinds())
    assert [name for name, known in described.items() if known] == ["announcement"]


def test_who_is_not_signed_in_is_sent_to_do_so(db: None) -> None:
    answer = Client().get("/inbox/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/?next=/inbox/")


def test_another_teams_workspace_looks_like_none(team: Team) -> None:
    make_workspace("theirs")
    client = signed_in(team.ann)
    assert client.get("/inbox/?workspace=theirs").status_code == 404
    assert client.get("/inbox/?workspace=no-such").status_code == 404


def test_who_belongs_to_no_workspace_is_told_so_and_has_no_bell(db: None) -> None:
    client = signed_in(make_user())
    page = client.get("/inbox/").content.decode()
    assert "You are in no workspace yet" in page
    assert 'id="bell"' not in page


@pytest.mark.parametrize("path", ["/dashboards/", "/inbox/", "/accounts/profile/"])
def test_every_page_has_the_bell_and_the_way_to_the_inbox(team: Team, path: str) -> None:
    text = signed_in(team.ann).get(path).content.decode()
    assert text.count('id="bell"') == 1
    assert text.count('data-badge="notifications"') == 3, "bell, navigation, tabs"
    assert 'href="/inbox/"' in text
