"""Sending notifications, and the effect of reading them."""

from __future__ import annotations

import pytest

from notifications import kinds, selectors, services
from notifications.models import MAX_TITLE, Notification
from notifications.subjects import Seen, Subject
from realtime.errors import InvalidCommand, NotFound
from realtime.models import LoggedEvent, Stream
from tests.notifications.conftest import Team
from tests.support.people import make_member, make_workspace

pytestmark = pytest.mark.django_db


def events_of(team: Team, user_id: int) -> list[str]:
    rows = LoggedEvent.objects.filter(
        stream__workspace_id=team.workspace.pk, stream__user_id=user_id
    ).order_by("offset")
    return list(rows.values_list("payload", flat=True))


def test_each_of_the_users_gets_their_own_notification_and_event(team: Team) -> None:
    made = team.tell(team.ann, team.ben, title="Box, box", severity="warning", link="/chat/")
    assert {each.user_id for each in made} == {team.ann.pk, team.ben.pk}
    for user in (team.ann, team.ben):
        (payload,) = events_of(team, user.pk)
        assert '"title":"Box, box"' in payload
        assert '"unread_count":1' in payload
    assert not events_of(team, team.boss.pk)


def test_who_is_no_active_member_of_the_workspace_is_not_told(team: Team) -> None:
    stranger = make_member(make_workspace())
    team.ben.is_active = False
    team.ben.save()
    assert [each.user_id for each in team.tell(stranger, team.ben, team.ann)] == [team.ann.pk]
    assert Stream.objects.filter(name="notifications").count() == 1


def test_under_one_key_a_user_is_told_once(team: Team) -> None:
    team.tell(team.ann, dedupe_key="mention:7")
    assert [each.user_id for each in team.tell(team.ann, team.ben, dedupe_key="mention:7")] == [
        team.ben.pk
    ]
    assert len(team.tell(team.ann, dedupe_key="mention:8")) == 1
    assert len(team.tell(team.ann)) == len(team.tell(team.ann)) == 1, "no key: told each time"
    assert Notification.objects.filter(user=team.ann).count() == 4


def test_texts_that_are_too_long_are_cut(team: Team) -> None:
    (told,) = team.tell(team.ann, title="x" * 500)
    assert len(told.title) == MAX_TITLE
    assert told.title.endswith("…")


def test_a_kind_or_severity_that_nobody_registered_is_the_callers_mistake(team: Team) -> None:
    with pytest.raises(ValueError, match="kind"):
        team.tell(team.ann, kind="unheard_of")
    with pytest.raises(ValueError, match="severity"):
        team.tell(team.ann, severity="meh")


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "//evil.example/x", "/\\evil.example", "data:text/html,x", "chat/",
     "https://a b", "/x\ny", "http://", "/" + "x" * 600],
)  # fmt: skip
def test_a_link_that_is_not_safe_to_follow_is_refused(team: Team, link: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        team.tell(team.ann, link=link)
    assert "link" in (refused.value.errors or {})
    assert not Notification.objects.exists()


@pytest.mark.parametrize("link", ["", "/", "/chat/?room=ops#m7", "https://a.example/x?y=1"])
def test_paths_and_web_addresses_are_links(team: Team, link: str) -> None:
    assert team.tell(team.ann, link=link)[0].link == link


def test_reading_one_leaves_the_others(team: Team) -> None:
    first, second = team.tell(team.ann)[0], team.tell(team.ann)[0]
    me = team.principal(team.ann)
    read = services.mark_read(principal=me, notification_ids=[first.pk])
    assert (read.ids, read.unread_count) == ([first.pk], 1)
    assert [each.pk for each in selectors.snapshot(me).unread] == [second.pk]


def test_reading_again_changes_and_tells_nothing(team: Team) -> None:
    (told,) = team.tell(team.ann)
    me = team.principal(team.ann)
    services.mark_read(principal=me, notification_ids=[told.pk])
    before = events_of(team, team.ann.pk)
    read_at = Notification.objects.get(pk=told.pk).read_at
    assert services.mark_read(principal=me, notification_ids=[told.pk]).ids == []
    assert services.mark_read(principal=me, notification_ids=None).ids == []
    assert events_of(team, team.ann.pk) == before
    assert Notification.objects.get(pk=told.pk).read_at == read_at


def test_what_was_seen_elsewhere_is_read_and_each_of_its_users_is_told(team: Team) -> None:
    stint = Subject("stint", 7)
    (first,) = team.tell(team.ann, subject=stint, subject_sequence=3)
    (second,) = team.tell(team.ben, subject=stint, subject_sequence=3)
    for about in ({"subject_sequence": 4}, {}):  # a later position, and the whole subject
        team.tell(team.ann, subject=stint, **about)
    team.tell(team.ann, subject=Subject("stint", 8), subject_sequence=1)
    team.tell(team.ann, subject=Subject("lap", 7), subject_sequence=1)
    team.tell(team.ann)
    seen = [Seen(stint, team.ann.pk, 3), Seen(stint, team.ben.pk, 5)]
    services.mark_subjects_read(seen=seen)
    services.mark_subjects_read(seen=seen)
    read = Notification.objects.exclude(read_at=None)
    assert set(read.values_list("pk", flat=True)) == {first.pk, second.pk}
    for user, pk, left in ((team.ann, first.pk, 5), (team.ben, second.pk, 0)):
        payload = events_of(team, user.pk)[-1]
        assert f'"ids":[{pk}],"unread_count":{left}' in payload


def test_who_opens_a_things_page_has_read_all_that_was_told_of_it(team: Team) -> None:
    alert = Subject("alert", 5)
    team.tell(team.ann, team.ben, subject=alert)
    team.tell(team.ann, subject=alert, subject_sequence=9)
    team.tell(team.ann, subject=Subject("alert", 6))
    services.mark_subjects_read(seen=[Seen(alert, team.ann.pk)])
    unread = Notification.objects.filter(read_at=None).order_by("user_id")
    assert list(unread.values_list("user_id", "subject_id")) == [
        (team.ann.pk, 6),
        (team.ben.pk, 5),
    ]


def test_who_was_told_that_something_began_can_be_told_that_it_is_over(team: Team) -> None:
    alert = Subject("alert", 5)
    team.tell(team.ann, subject=alert, kind=kinds.MESSAGE)
    team.tell(team.ben, subject=Subject("alert", 6), kind=kinds.MESSAGE)
    team.tell(team.boss, subject=alert, kind=kinds.ANNOUNCEMENT)
    services.mark_subjects_read(seen=[Seen(alert, team.ann.pk)])
    assert selectors.users_told(alert, kind=kinds.MESSAGE) == [team.ann.pk]


def test_a_place_in_no_subject_is_the_callers_mistake(team: Team) -> None:
    with pytest.raises(ValueError, match="subject"):
        team.tell(team.ann, subject_sequence=1)


def test_somebody_elses_notification_is_not_found_and_nothing_is_marked(team: Team) -> None:
    (mine,), (theirs,) = team.tell(team.ann), team.tell(team.ben)
    with pytest.raises(NotFound):
        services.mark_read(
            principal=team.principal(team.ann), notification_ids=[mine.pk, theirs.pk]
        )
    assert not Notification.objects.exclude(read_at=None).exists()


def test_all_means_all_of_ones_own_in_this_workspace(team: Team) -> None:
    team.tell(team.ann, team.ben)
    team.tell(team.ann)
    elsewhere = Team()
    services.mark_read(principal=team.principal(team.ann), notification_ids=None)
    assert not Notification.objects.filter(user=team.ann, read_at=None).exists()
    assert Notification.objects.filter(user=team.ben, read_at=None).count() == 1
    assert elsewhere.workspace.pk != team.workspace.pk


def test_very_many_read_at_once_are_told_in_parts(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.services.reading.IDS_IN_EVENT", 2)
    for _ in range(5):
        team.tell(team.ann)
    services.mark_read(principal=team.principal(team.ann), notification_ids=None)
    told = [payload for payload in events_of(team, team.ann.pk) if "notification_read" in payload]
    assert len(told) == 3
    assert all('"unread_count":0' in payload for payload in told)
