"""Messages get the next sequence of their room, exactly once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat import services
from chat.models import Attachment, Membership, Mention, Message, Room
from notifications.models import Notification
from realtime.errors import AppError, Conflict, InvalidCommand, NotFound, PermissionDenied
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db


def sequences(room: Room) -> list[int]:
    return list(room.messages.order_by("sequence").values_list("sequence", flat=True))


def test_messages_are_numbered_from_one_without_gaps(team: Team) -> None:
    sent = [team.say(person, team.general) for person in (team.alice, team.bob, team.alice)]
    assert [each.sequence for each in sent] == [1, 2, 3] == sequences(team.general)
    assert Room.objects.get(pk=team.general.pk).head_sequence == 3


def test_rooms_are_numbered_each_by_itself(team: Team) -> None:
    team.say(team.alice, team.general)
    assert team.say(team.alice, team.ops).sequence == 1


def test_a_message_sent_again_under_its_id_is_stored_once(team: Team) -> None:
    first = team.say(team.alice, team.general, "once", client_message_id="a")
    again = team.say(team.alice, team.general, "once, edited since", client_message_id="a")
    assert (again.message_id, again.sequence, again.duplicate) == (first.message_id, 1, True)
    assert not first.duplicate
    assert Message.objects.get().text == "once"


def test_an_id_is_ones_own_and_the_rooms(team: Team) -> None:
    team.say(team.alice, team.general, client_message_id="a")
    assert not team.say(team.bob, team.general, client_message_id="a").duplicate
    assert not team.say(team.alice, team.ops, client_message_id="a").duplicate


def test_a_refused_message_leaves_no_gap_and_holds_up_nobody(team: Team) -> None:
    good = services.draft_message(principal=team.as_(team.alice), room="general", text="good")
    secret = services.draft_message(principal=team.as_(team.carol), room="ops", text="let me in")
    results = services.post_drafts([good, secret, good])
    assert [isinstance(result, AppError) for result in results] == [False, True, False]
    assert sequences(team.general) == [1, 2]
    assert sequences(team.ops) == []


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "x" * 16_001])
def test_an_empty_or_endless_text_is_refused_by_name(team: Team, text: str) -> None:
    with pytest.raises(InvalidCommand) as refused:
        team.say(team.alice, team.general, text)
    assert refused.value.errors is not None
    assert list(refused.value.errors) == ["text"]


def test_writing_in_a_public_room_joins_it(team: Team) -> None:
    team.say(team.carol, team.general)
    membership = Membership.objects.get(room=team.general, user=team.carol)
    assert (membership.role, membership.read_sequence) == ("member", 1)


def test_a_private_room_is_for_outsiders_as_if_it_were_not_there(team: Team) -> None:
    answers = []
    for room in ("ops", "no-such-room"):
        with pytest.raises(NotFound) as refused:
            services.send_message(principal=team.as_(team.carol), room=room, text="hello")
        answers.append((refused.value.message, refused.value.errors))
    assert answers[0] == answers[1]


def test_who_may_only_read_does_not_write(team: Team) -> None:
    reader = team.person("reader")
    team.add(team.ops, reader, "read_only")
    viewer = team.person("viewer", "viewer")
    for person, room in ((reader, team.ops), (viewer, team.general)):
        with pytest.raises(PermissionDenied):
            team.say(person, room)


def test_an_answer_is_to_a_message_of_the_same_room(team: Team) -> None:
    first = team.say(team.alice, team.ops)
    with pytest.raises(NotFound):
        team.say(team.alice, team.general, reply_to=first.message_id)
    assert team.say(team.bob, team.ops, reply_to=first.message_id).sequence == 2


def test_a_mention_is_of_somebody_who_can_read_it(team: Team) -> None:
    team.say(team.alice, team.ops, "@bob @carol @nobody @alice look")
    assert list(Mention.objects.values_list("user", flat=True)) == [team.bob.pk]
    team.say(team.alice, team.general, "@CAROL look")
    assert Mention.objects.filter(user=team.carol).count() == 1
    told = Notification.objects.filter(kind="mention").values_list("user__username", flat=True)
    assert sorted(told) == ["bob", "carol"]


def test_calling_everybody_needs_the_role(team: Team) -> None:
    with pytest.raises(PermissionDenied):
        team.say(team.bob, team.general, "@all lunch")
    team.say(team.alice, team.general, "@all lunch")
    assert list(Mention.objects.values_list("user", "by_name")) == [(team.bob.pk, False)]


def test_calling_more_than_twenty_people_is_confirmed_first(team: Team) -> None:
    for number in range(20):
        team.add(team.general, team.person(f"person{number}"))
    with pytest.raises(Conflict) as refused:
        team.say(team.alice, team.general, "@all lunch")
    assert refused.value.errors == {
        "confirm": ["@all calls 21 people: send it with confirm: true if you mean it."]
    }
    team.say(team.alice, team.general, "@all lunch", confirm=True)
    assert Mention.objects.count() == 21
    assert sequences(team.general) == [1]


def test_a_direct_message_is_told_once_until_it_is_read(team: Team) -> None:
    room = services.open_direct_room(principal=team.as_(team.alice), user_id=team.bob.pk)
    told = Notification.objects.filter(kind="direct_message", user=team.bob)
    for _ in range(3):
        team.say(team.alice, room)
    assert told.count() == 1
    services.mark_read(principal=team.as_(team.bob), room=room.slug, sequence=3)
    assert not told.filter(read_at=None).exists()
    team.say(team.alice, room)
    assert told.filter(read_at=None).count() == 1


def test_a_file_belongs_to_its_uploader_its_room_and_one_message(team: Team) -> None:
    mine = Attachment.objects.create(
        room=team.general,
        uploader=team.alice,
        name="a",
        size=1,
        content_type="text/plain",
        key="a" * 32,
    )
    with pytest.raises(NotFound):
        team.say(team.bob, team.general, attachments=[mine.pk])
    with pytest.raises(NotFound):
        team.say(team.alice, team.ops, attachments=[mine.pk])
    assert team.say(team.alice, team.general, "", attachments=[mine.pk]).sequence == 1
    with pytest.raises(NotFound):
        team.say(team.alice, team.general, attachments=[mine.pk])


steps = st.lists(
    st.tuples(
        st.sampled_from(["alice", "bob", "carol"]),
        st.sampled_from(["general", "ops"]),
        st.sampled_from([None, "a", "b", "c"]),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(steps, max_size=4))
def test_whatever_is_sent_together_sequences_are_contiguous_and_ids_unique(
    batches: list[list[tuple[str, str, str | None]]],
) -> None:
    team = Team()
    try:
        first: dict[tuple[str, str, str], int] = {}
        for batch in batches:
            drafts = [
                services.draft_message(
                    principal=team.as_(getattr(team, who)),
                    room=room,
                    text="x",
                    client_message_id=client_id,
                )
                for who, room, client_id in batch
            ]
            for (who, room, client_id), result in zip(
                batch, services.post_drafts(drafts) if drafts else [], strict=True
            ):
                if who == "carol" and room == "ops":
                    assert isinstance(result, NotFound)
                    continue
                assert isinstance(result, services.Sent)
                if client_id is not None:
                    known = first.setdefault((who, room, client_id), result.message_id)
                    assert result.message_id == known
        for room in (team.general, team.ops):
            assert sequences(room) == list(range(1, room.messages.count() + 1))
            room.refresh_from_db()
            assert room.head_sequence == room.messages.count()
    finally:
        team.clear()
