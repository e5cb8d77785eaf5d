"""Messages after sending: edits, deletions, reactions, pins, history."""

from __future__ import annotations

import re
from typing import Any

import emoji
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import AuditEntry, User
from chat import selectors, services
from chat.models import Membership, Message, Reaction, Revision
from chat.selectors import messages as messages_module
from chat.text.emoji import canonical
from notifications.models import Notification
from realtime.errors import Conflict, InvalidCommand, NotFound, PermissionDenied
from realtime.models import LoggedEvent
from realtime.protocol import rfc3339
from tests.conftest import Api
from tests.support.rooms import Team

pytestmark = pytest.mark.django_db


def test_what_a_message_said_before_is_kept(team: Team) -> None:
    sent = team.say(team.bob, team.general, "one")
    for text in ("two", "three"):
        services.edit_message(principal=team.as_(team.bob), message_id=sent.message_id, text=text)
    assert list(Revision.objects.values_list("number", "text")) == [(1, "one"), (2, "two")]
    message = Message.objects.get()
    assert (message.text, message.sequence) == ("three", 1)
    assert message.edited_at is not None


def test_only_the_author_edits(team: Team) -> None:
    sent = team.say(team.bob, team.general)
    with pytest.raises(PermissionDenied):
        services.edit_message(
            principal=team.as_(team.alice), message_id=sent.message_id, text="never said"
        )


def test_a_name_added_later_is_called_once(team: Team) -> None:
    sent = team.say(team.alice, team.general, "hello")
    for text in ("hello @bob", "hello @bob!"):
        services.edit_message(principal=team.as_(team.alice), message_id=sent.message_id, text=text)
    assert Notification.objects.filter(kind="mention", user=team.bob).count() == 1


def test_an_edit_calls_everybody_only_with_the_role(team: Team) -> None:
    sent = team.say(team.bob, team.general, "hello")
    with pytest.raises(PermissionDenied):
        services.edit_message(
            principal=team.as_(team.bob), message_id=sent.message_id, text="hello @all"
        )


def test_a_deletion_leaves_a_tombstone_and_a_record(team: Team) -> None:
    sent = team.say(team.bob, team.general, "@alice secret")
    services.edit_message(
        principal=team.as_(team.bob), message_id=sent.message_id, text="@alice a secret"
    )
    services.set_pin(principal=team.as_(team.alice), message_id=sent.message_id, on=True)
    for _ in range(2):
        services.delete_message(
            principal=team.as_(team.alice), message_id=sent.message_id, reason="spoiler"
        )
    message = Message.objects.get()
    assert (message.text, message.html, message.search_text) == ("", "", "")
    for related in (message.revisions, message.mentions, message.reactions):
        assert not related.exists()
    entry = AuditEntry.objects.get(action="delete_message")
    assert (entry.actor_id, entry.target_id) == (team.alice.pk, str(message.pk))
    assert (entry.details["author"], entry.details["reason"]) == ("bob", "spoiler")
    assert "secret" not in str(entry.details)
    view = selectors.history(team.as_(team.carol), "general", limit=5).data[0]
    assert (view.deleted, view.message, view.sequence) == (True, "", 1)


def test_others_messages_are_for_moderators_to_delete(team: Team) -> None:
    sent = team.say(team.alice, team.general)
    with pytest.raises(PermissionDenied):
        services.delete_message(principal=team.as_(team.bob), message_id=sent.message_id)
    Membership.objects.filter(room=team.general, user=team.bob).update(role="moderator")
    services.delete_message(principal=team.as_(team.bob), message_id=sent.message_id)


def test_in_a_direct_room_everybody_deletes_their_own(team: Team) -> None:
    room = services.open_direct_room(principal=team.as_(team.alice), user_id=team.bob.pk)
    sent = team.say(team.alice, room)
    with pytest.raises(PermissionDenied):
        services.delete_message(principal=team.as_(team.bob), message_id=sent.message_id)
    services.delete_message(principal=team.as_(team.alice), message_id=sent.message_id)


def test_ones_own_words_can_be_taken_back_wherever_they_are_read(team: Team) -> None:
    sent = [team.say(team.bob, team.ops).message_id for _ in range(2)]
    alice, bob = team.as_(team.alice), team.as_(team.bob)
    services.change_role(principal=alice, room="ops", user_id=team.bob.pk, role="read_only")
    services.delete_message(principal=bob, message_id=sent[0])
    services.archive_room(principal=alice, room="ops")
    services.delete_message(principal=bob, message_id=sent[1])
    services.remove_member(principal=alice, room="ops", user_id=team.bob.pk)
    with pytest.raises(NotFound):
        services.delete_message(principal=bob, message_id=sent[0])


def test_nothing_is_done_on_a_deleted_message(team: Team) -> None:
    sent = team.say(team.alice, team.general)
    alice = team.as_(team.alice)
    services.delete_message(principal=alice, message_id=sent.message_id)
    for change in (
        lambda: services.edit_message(principal=alice, message_id=sent.message_id, text="x"),
        lambda: services.set_pin(principal=alice, message_id=sent.message_id, on=True),
        lambda: services.set_reaction(
            principal=alice, message_id=sent.message_id, emoji="👍", on=True
        ),
    ):
        with pytest.raises(Conflict):
            change()


def test_ten_thousand_reactions_are_twenty(team: Team) -> None:
    sent = team.say(team.alice, team.general)
    people = [team.as_(team.alice), team.as_(team.bob)]
    faces = [chr(0x1F600 + number) for number in range(40)]
    refused = 0
    for number in range(400):
        try:
            services.set_reaction(
                principal=people[number % 2],
                message_id=sent.message_id,
                emoji=faces[number % 40],
                on=True,
            )
        except Conflict:
            refused += 1
    assert Reaction.objects.count() == 20
    assert refused == 200
    # Commands that changed nothing produced no event.
    assert LoggedEvent.objects.filter(payload__contains='"reaction_changed"').count() == 20


@pytest.mark.parametrize(
    "text", ["👍", "👍🏽", "❤️", "❤", "🏁", "👩‍🚀", "🇳🇱", "3️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "✅", "☎️", "🫠", "👨‍👩‍👧‍👦"]
)
def test_an_emoji_is_one(text: str) -> None:
    assert canonical(text) is not None


@pytest.mark.parametrize(
    "text", ["", "a", "3", "lol", "👍👍", "👍 ", ":+1:", "<b>", "\u200d", "🇳", "中", "\ufe0f"]
)
def test_what_is_no_emoji_is_refused_by_name(team: Team, text: str) -> None:
    assert canonical(text) is None
    sent = team.say(team.alice, team.general)
    with pytest.raises(InvalidCommand) as refused:
        services.set_reaction(
            principal=team.as_(team.alice), message_id=sent.message_id, emoji=text, on=True
        )
    assert list(refused.value.errors or {}) == ["emoji"]


@given(st.text(max_size=40) | st.sampled_from(sorted(emoji.EMOJI_DATA)))
def test_an_emoji_has_one_form_with_and_without_its_selector(text: str) -> None:
    form = canonical(text)
    if form is not None:
        assert canonical(form) == canonical(text.replace("\ufe0f", "")) == form
    assert (form is not None) >= emoji.is_emoji(text)


def test_one_emoji_in_two_forms_is_one_reaction(team: Team) -> None:
    sent = team.say(team.alice, team.general)

    def react(user: User, text: str, on: bool = True) -> None:
        principal = team.as_(user)
        services.set_reaction(principal=principal, message_id=sent.message_id, emoji=text, on=on)

    react(team.alice, "❤")
    react(team.alice, "❤️")
    react(team.bob, "❤️")
    assert list(Reaction.objects.values_list("user_id", "emoji")) == [
        (team.alice.pk, "❤️"),
        (team.bob.pk, "❤️"),
    ]
    react(team.bob, "❤", on=False)
    assert Reaction.objects.count() == 1


def test_of_two_who_edit_one_message_at_once_the_second_is_told(team: Team, api: Api) -> None:
    sent = team.say(team.alice, team.general, "first")
    alice = team.as_(team.alice)

    def edit(text: str, expected: Any) -> Message:
        return services.edit_message(
            principal=alice, message_id=sent.message_id, text=text, expected_edited_at=expected
        )

    seen = edit("by the laptop", None).edited_at
    assert seen is not None
    with pytest.raises(Conflict) as refused:
        edit("by the phone", None)
    assert list(refused.value.errors or {}) == ["expected_edited_at"]
    # What was sent twice, because its answer was lost, changes nothing.
    edit("by the laptop", None)
    edit("by the phone", seen)
    address = f"/api/v1/messages/{sent.message_id}/"
    shown = api(team.alice).get(address).json()["edited_at"]
    late = api(team.alice).patch(address, {"text": "late", "expected_edited_at": rfc3339(seen)})
    assert (late.status_code, list(late.json()["errors"])) == (409, ["expected_edited_at"])
    # RFC 3339 allows small letters.
    known = {"text": "known", "expected_edited_at": shown.lower()}
    assert api(team.alice).patch(address, known).json()["message"] == "known"
    assert api(team.alice).patch(address, {"text": "any"}).status_code == 200


def test_pins_are_for_moderators(team: Team) -> None:
    sent = team.say(team.alice, team.general)
    with pytest.raises(PermissionDenied):
        services.set_pin(principal=team.as_(team.bob), message_id=sent.message_id, on=True)


def test_history_goes_both_ways_by_sequence(team: Team) -> None:
    for number in range(1, 8):
        team.say(team.alice, team.general, str(number))
    pages: list[tuple[dict[str, Any], list[int], tuple[bool, bool]]] = [
        ({"limit": 3}, [5, 6, 7], (True, False)),
        ({"limit": 3, "before": 5}, [2, 3, 4], (True, True)),
        ({"limit": 3, "before": 2}, [1], (False, True)),
        ({"limit": 3, "before": 1}, [], (False, True)),
        ({"limit": 3, "after": 0}, [1, 2, 3], (False, True)),
        ({"limit": 3, "after": 5}, [6, 7], (True, False)),
        ({"limit": 3, "after": 7}, [], (True, False)),
        ({"limit": 4, "around": 4}, [2, 3, 4, 5], (True, True)),
        ({"limit": 50}, [1, 2, 3, 4, 5, 6, 7], (False, False)),
    ]
    for asked, expected, more in pages:
        found = selectors.history(team.as_(team.carol), "general", **asked)
        assert [view.sequence for view in found.data] == expected, asked
        assert (found.has_before, found.has_after) == more, asked


def test_history_takes_the_same_few_queries_however_long_it_is(
    team: Team, django_assert_max_num_queries: Any
) -> None:
    last = team.say(team.alice, team.general)
    for _ in range(30):
        last = team.say(team.bob, team.general, "@alice", reply_to=last.message_id)
        services.set_reaction(
            principal=team.as_(team.alice), message_id=last.message_id, emoji="👍", on=True
        )
    alice = team.as_(team.alice)
    with django_assert_max_num_queries(7):
        found = selectors.history(alice, "general", limit=50)
    assert len(found.data) == 31


def test_an_answer_shows_what_it_answers(team: Team) -> None:
    first = team.say(team.alice, team.general, "a question\n" + "x" * 500)
    team.say(team.bob, team.general, "an answer", reply_to=first.message_id)
    view = selectors.history(team.as_(team.alice), "general", limit=1).data[0]
    assert view.reply_to == first.message_id
    assert view.reply.username == "alice"  # type: ignore[union-attr]
    assert len(view.reply.excerpt) <= 140  # type: ignore[union-attr]


def test_reading_never_goes_back_and_posting_reads(team: Team) -> None:
    for _ in range(4):
        team.say(team.alice, team.general, "@bob")
    bob = team.as_(team.bob)
    assert services.mark_read(principal=bob, room="general", sequence=2) == services.ReadState(
        2, 2, 2, 4
    )
    assert services.mark_read(principal=bob, room="general", sequence=1).sequence == 2
    team.say(team.bob, team.general)
    assert services.mark_read(principal=bob, room="general", sequence=0) == services.ReadState(
        5, 0, 0, 5
    )


def test_reading_a_room_quiets_the_bell(team: Team) -> None:
    for _ in range(2):
        team.say(team.alice, team.general, "@bob")
    unread = Notification.objects.filter(user=team.bob, kind="mention", read_at=None)
    services.mark_read(principal=team.as_(team.bob), room="general", sequence=1)
    assert unread.count() == 1
    services.mark_read(principal=team.as_(team.bob), room="general", sequence=2)
    assert unread.count() == 0


names = st.sampled_from(["alice", "bob"])
actions = st.one_of(
    st.tuples(st.just("say"), names, st.just(0)),
    st.tuples(st.just("read"), names, st.integers(0, 12)),
)


@settings(max_examples=30, deadline=None)
@given(st.lists(actions, max_size=12))
def test_unread_is_what_others_wrote_since(steps: list[tuple[str, str, int]]) -> None:
    team = Team()
    try:
        said: list[str] = []
        read = {"alice": 0, "bob": 0}
        for kind, who, sequence in steps:
            person = getattr(team, who)
            if kind == "say":
                team.say(person, team.general)
                said.append(who)
                read[who] = len(said)
            else:
                services.mark_read(principal=team.as_(person), room="general", sequence=sequence)
                read[who] = max(read[who], min(sequence, len(said)))
        for who, upto in read.items():
            summary = selectors.room_summary(team.as_(getattr(team, who)), "general")
            assert (summary.read_sequence, summary.unread) == (upto, len(said) - upto)
            assert who not in said[upto:]
    finally:
        team.clear()


def test_a_message_that_is_not_for_them_is_as_none(team: Team) -> None:
    hidden = team.say(team.alice, team.ops).message_id
    carol = team.as_(team.carol)
    for change in (
        lambda number: services.edit_message(principal=carol, message_id=number, text="x"),
        lambda number: services.delete_message(principal=carol, message_id=number),
        lambda number: services.set_reaction(
            principal=carol, message_id=number, emoji="👍", on=True
        ),
        lambda number: services.set_pin(principal=carol, message_id=number, on=True),
        lambda number: selectors.find_message(carol, number),
    ):
        answers = []
        for number in (hidden, 2**53):
            with pytest.raises(NotFound) as refused:
                change(number)
            answers.append((refused.value.message, refused.value.errors))
        assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("where", "kept"),
    [({}, range(8, 11)), ({"before": 6}, range(3, 6)), ({"after": 2}, range(3, 6))],
)
def test_a_page_of_very_long_messages_is_cut_and_says_so(
    team: Team, monkeypatch: pytest.MonkeyPatch, where: dict[str, int], kept: range
) -> None:
    monkeypatch.setattr(messages_module, "MAX_PAGE_CHARACTERS", 3500)
    for _ in range(10):
        team.say(team.alice, team.ops, "x" * 500)
    page = selectors.history(team.as_(team.bob), "ops", limit=10, **where)
    assert [message.sequence for message in page.data] == list(kept)
    assert (page.has_before, page.has_after) == (True, kept.stop <= 10)


def test_a_cut_page_around_a_message_has_that_message(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages_module, "MAX_PAGE_CHARACTERS", 1)
    for _ in range(5):
        team.say(team.alice, team.ops, "x" * 50)
    page = selectors.history(team.as_(team.bob), "ops", limit=10, around=3)
    assert [message.sequence for message in page.data] == [3]


def test_a_highlight_is_where_somebody_is_called_who_can_read_the_room(team: Team) -> None:
    for room, names in ((team.general, ["@carol", "@bob"]), (team.ops, ["@bob"])):
        sent = team.say(team.alice, room, "ask @carol, @bobさん or @nobody")
        message = Message.objects.get(pk=sent.message_id)
        assert re.findall('class="mention">([^<]*)<', message.html) == names
        called = [mention.user.username for mention in message.mentions.select_related("user")]
        assert sorted(f"@{name}" for name in called) == sorted(names)
