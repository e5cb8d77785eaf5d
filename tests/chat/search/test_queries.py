"""Search: parsing queries, finding messages, and never finding what the user may not read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.folding import fold_for_search
from chat import selectors, services
from chat.models import Attachment, Message, Room
from chat.protocol import ReplyView
from chat.search import excerpts
from chat.search.excerpts import Span, excerpt
from chat.search.queries import Query, parse
from realtime.errors import InvalidCommand
from tests.conftest import Api
from tests.support.people import make_member
from tests.support.rooms import Team

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)


def day(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


@pytest.fixture(params=["few messages", "many messages"])
def amount(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With many messages, most of them are found through the index (PostgreSQL)."""
    if request.param == "many messages":
        monkeypatch.setattr("chat.selectors.searching.READ_FIRST", 1)


# --- The query --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("Deploy FAILED", Query(words=("deploy", "failed"))),
        ('"out of  memory" -test', Query(words=("out of  memory",), without=("test",))),
        ("部署失败", Query(words=("部署失败",))),
        ("“发布 计划” -测试", Query(words=("发布 计划",), without=("测试",))),
        ("in:ops in:#general", Query(rooms=("ops", "general"))),
        ("from:@alice -from:bob", Query(names=("alice",), not_names=("bob",))),
        ("in：ops from：小明", Query(rooms=("ops",), names=("小明",))),
        ('from:"alice"', Query(names=("alice",))),
        ("has:file has:LINK", Query(has=frozenset({"file", "link"}))),
        ("has:file -has:image", Query(has=frozenset({"file"}), has_not=frozenset({"image"}))),
        ("is:pinned -is:edited", Query(is_=frozenset({"pinned"}), is_not=frozenset({"edited"}))),
        ("before:2026-11-22", Query(until=day(2026, 11, 22))),
        ("after:2026-11-21", Query(since=day(2026, 11, 22))),
        ("after:2025 before:2026-03", Query(since=day(2026), until=day(2026, 3))),
        ("on:2026-02", Query(since=day(2026, 2), until=day(2026, 3))),
        ("on:today", Query(since=day(2026, 11, 22), until=day(2026, 11, 23))),
        ("on:Yesterday", Query(since=day(2026, 11, 21), until=day(2026, 11, 22))),
        ("http://x.example/a:b", Query(words=("http://x.example/a:b",))),
        ("ＷＩＤＥ ﬁne Straße", Query(words=("wide", "fine", "strasse"))),
        ("word word WORD", Query(words=("word",))),
    ],
)  # fmt: skip
def test_a_query_is_words_phrases_and_filters(text: str, query: Query) -> None:
    assert parse(text, NOW) == query


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Say what"),
        ('  ""  ', "Say what"),
        ("has:cheese", "file, image, link, mention"),
        ("is:asleep", "edited, mine, pinned, reply"),
        ("before:soon", "2026-11-22, 2026-11, 2026"),
        ("on:2026-02-30", "no day"),
        ("after:9999-12-31", "no day"),
        ("-before:2026", "turn the day round"),
        ("x" * 501, "500 characters"),
        ("a " * 21 + "b", "20 words"),
    ],
)
def test_what_cannot_be_searched_for_is_refused_with_the_reason(text: str, said: str) -> None:
    if said == "20 words":
        text = " ".join(f"w{number}" for number in range(21))
    with pytest.raises(InvalidCommand, match=said) as refused:
        parse(text, NOW)
    assert refused.value.errors is not None
    assert list(refused.value.errors) == ["q"]


@given(st.text(max_size=60))
def test_any_text_is_a_query_or_a_refusal(text: str) -> None:
    try:
        query = parse(text, NOW)
    except InvalidCommand:
        return
    assert all(word == fold_for_search(word) and word for word in (*query.words, *query.without))


# --- Highlights -------------------------------------------------------------------------------


@given(
    st.text(max_size=400),
    st.lists(st.text(min_size=1, max_size=4).map(fold_for_search), max_size=3),
)
def test_the_ranges_of_an_excerpt_lie_in_it_in_order_and_match(text: str, words: list[str]) -> None:
    words = [word for word in words if word]
    found = excerpt(text, words, length=50)
    end = 0
    for span in found.ranges:
        assert end <= span.start < span.end <= len(found.text)
        end = span.end


@pytest.mark.parametrize(
    ("text", "words", "shown", "ranges"),
    [
        ("Deploy the DEPLOYMENT", ["deploy"], "Deploy the DEPLOYMENT", [(0, 6), (11, 17)]),
        ("今天部署失败了", ["部署", "失败"], "今天部署失败了", [(2, 4), (4, 6)]),
        ("STRASSE oder Straße", ["strasse"], "STRASSE oder Straße", [(0, 7), (13, 19)]),
        ("two\nlines", ["two lines"], "two lines", [(0, 9)]),
        ("overlap lapdog", ["overlap", "lap"], "overlap lapdog", [(0, 7), (8, 11)]),
        ("🙂 party 🎉", ["party"], "🙂 party 🎉", [(2, 7)]),
        ("nothing here", ["else"], "nothing here", []),
    ],
)  # fmt: skip
def test_an_excerpt_says_where_the_words_are(
    text: str, words: list[str], shown: str, ranges: list[tuple[int, int]]
) -> None:
    found = excerpt(text, words)
    assert (found.text, found.ranges) == (shown, [Span(*each) for each in ranges])


def test_an_excerpt_of_a_long_text_is_around_the_first_match() -> None:
    found = excerpt("a" * 5000 + " needle " + "b" * 5000, ["needle"])
    assert len(found.text) <= excerpts.EXCERPT_LENGTH + 2
    (span,) = found.ranges
    assert found.text[span.start : span.end] == "needle"
    assert found.text[0] == found.text[-1] == "…"


# --- Results ----------------------------------------------------------------------------------


def found(team: Team, who: Any, text: str, **paging: Any) -> list[str]:
    paging.setdefault("limit", 20)
    hits = selectors.search_messages(team.as_(who), parse(text, timezone.now()), **paging)
    return [hit.message.message for hit in hits.hits]


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("The deployment failed", "deploy"),
        ("The deployment failed", "PLOYM"),
        ("The deployment failed", '"deployment failed"'),
        ("今天部署失败了，请看日志", "部署"),
        ("今天部署失败了，请看日志", "败"),
        ("今天部署失败了，请看日志", "部署失败"),
        ("今天部署失败了，请看日志", "日志 今天"),
        ("deploy部署v2完成", "deploy部署"),
        ("Привет, КОМАНДА", "команда"),
        ("かな and カナ", "カナ"),
        ("안녕하세요 여러분", "여러"),
        ("Grüße aus der Straße", "STRASSE"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("the CI is red", "ci"),
        ("100% of a_b\\c", '"100% of a_b\\c"'),
        ("we like c++ and f#", "c++"),
        ("party 🎉 tonight", "🎉"),
        ('O\'Brien said "no"', "o'brien"),
        ("un café noir", "cafe"),
        ("a cafe", "café"),
        ("I don’t know", "don't"),
        ("I don't know", "don’t"),
        ("Ещё ёлка", "елка"),
        ("İzmir and ISPARTA", "izmir ısparta"),
        ("co\u00adoper\u200bate", "cooperate"),
        ("Smørrebrød", "smorrebrod"),
        ("re‑use", "re-use"),
        ("مُحَمَّد", "محمد"),
    ],
)
def test_a_message_is_found_in_any_language(team: Team, said: str, asked: str) -> None:
    team.say(team.alice, team.general, said)
    team.say(team.alice, team.general, "something else altogether 无关")
    assert found(team, team.bob, asked) == [said]


HALF_TYPED = (
    "in: from: from:@ in:# has: has:im is:p before: before:20 before:2026- on:2026-1- on:tod - -in:"
)


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
@pytest.mark.parametrize("operator", HALF_TYPED.split())
def test_a_half_typed_operator_is_no_error_and_takes_nothing_away(
    team: Team, api: Api, operator: str
) -> None:
    team.say(team.alice, team.general, "the word")
    assert found(team, team.bob, f"word {operator}") == ["the word"]
    answer = api(team.bob).get("/api/v1/search/messages/", {"q": operator})
    assert (answer.status_code, answer.json()["results"]) == (200, [])


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
def test_rooms_and_people_are_found_by_their_names_too(team: Team) -> None:
    plan = team.room("Café Stratégie", slug="plan-9", people=[team.bob])
    émile = team.person("Émile", first_name="Emile", last_name="Durkheim")
    team.say(team.alice, plan, "in the plan")
    team.say(émile, team.general, "by émile")
    for asked in ('in:"cafe strategie"', "in:plan-9", 'in:"CAFÉ STRATÉGIE"', "in:PLAN-9"):
        assert found(team, team.bob, asked) == ["in the plan"]
    for asked in (
        "from:émile",
        "from:emile",
        "from:@ÉMILE",
        'from:"emile durkheim"',
        "from:durkheim",
    ):
        assert found(team, team.bob, asked) == ["by émile"]
    assert found(team, team.carol, 'in:ops in:"Ops"') == []


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
def test_what_has_the_very_accents_comes_first(team: Team) -> None:
    for text in ("a café", "a cafe", "one café", "one cafe"):
        team.say(team.alice, team.general, text)
    assert found(team, team.bob, "cafe") == ["one cafe", "a cafe", "one café", "a café"]
    assert found(team, team.bob, "café") == ["one café", "a café", "one cafe", "a cafe"]


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("aXb", '"a_b"'),
        ("100 percent", "100%"),
        ("a specific thing", "ci"),
        ("部 署", "部署"),
        ("deploy", "deploy -deploy"),
        ("deployment", "deploy -ment"),
    ],
)
def test_what_does_not_contain_the_words_is_not_found(team: Team, said: str, asked: str) -> None:
    team.say(team.alice, team.general, said)
    assert found(team, team.bob, asked) == []


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
def test_filters_choose_by_room_person_and_what_hangs_on_a_message(team: Team) -> None:
    general, ops = team.general, team.ops
    first = team.say(team.alice, general, "plain words")
    team.say(team.bob, general, "see https://example.com words")
    team.say(team.alice, ops, "@bob words")
    team.say(team.bob, general, "answer words", reply_to=first.message_id)
    image = Attachment.objects.create(
        room=general, uploader=team.alice, name="a.png", size=1, key="a" * 32,
        content_type="image/png", width=1, height=1,
    )  # fmt: skip
    team.say(team.alice, general, "picture words", attachments=[image.pk])
    file = Attachment.objects.create(
        room=general, uploader=team.alice, name="a.txt", size=1, key="b" * 32,
        content_type="text/plain",
    )  # fmt: skip
    team.say(team.alice, general, "file words", attachments=[file.pk])
    alice = team.as_(team.alice)
    services.edit_message(principal=alice, message_id=first.message_id, text="edited words")
    services.set_pin(principal=alice, message_id=first.message_id, on=True)
    expected = {
        "in:ops": ["@bob words"],
        "in:OPS": ["@bob words"],
        "in:nowhere words": [],
        "from:BOB": ["answer words", "see https://example.com words"],
        "from:nobody": [],
        "words -from:alice in:general": ["answer words", "see https://example.com words"],
        "has:link": ["see https://example.com words"],
        "has:mention": ["@bob words"],
        "has:image": ["picture words"],
        "has:file": ["file words", "picture words"],
        "has:file -has:image": ["file words"],
        "is:reply": ["answer words"],
        "is:edited": ["edited words"],
        "is:pinned": ["edited words"],
        "is:mine in:ops": ["@bob words"],
        "plain": [],
    }
    assert {text: found(team, team.alice, text) for text in expected} == expected


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
def test_what_a_filter_leaves_of_a_frequent_word_is_found_to_the_last(team: Team) -> None:
    said = [team.say(team.bob, team.general, f"word {number}") for number in range(2)]
    team.say(team.alice, team.general, "word of alice")
    assert found(team, team.alice, "word from:bob") == ["word 1", "word 0"]
    assert found(team, team.alice, "word from:bob", cursor=said[1].message_id) == ["word 0"]


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
def test_days_bound_what_is_found_and_are_those_of_the_asker(team: Team, api: Api) -> None:
    for text, at in (("first", day(2026, 3, 1)), ("second", day(2026, 3, 2))):
        sent = team.say(team.alice, team.general, text)
        Message.objects.filter(pk=sent.message_id).update(created_at=at + timedelta(hours=20))
    assert found(team, team.alice, "before:2026-03-02") == ["first"]
    assert found(team, team.alice, "after:2026-03-01") == ["second"]
    assert found(team, team.alice, "on:2026-03-01") == ["first"]
    # At 20:00 UTC it is already the next day in Shanghai.
    answer = api(team.alice).get(
        "/api/v1/search/messages/", {"q": "on:2026-03-02", "timezone": "Asia/Shanghai"}
    )
    assert [each["message"] for each in answer.json()["results"]] == ["first"]


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
def test_nothing_of_a_room_that_one_may_not_read_is_found(team: Team, api: Api) -> None:
    team.say(team.alice, team.ops, "the secret word")
    other = make_member(username="dora")
    assert found(team, team.bob, "secret") == ["the secret word"]
    assert found(team, team.carol, "secret") == []
    stranger = api(other).get("/api/v1/search/messages/", {"q": "secret"}).json()
    assert stranger["results"] == []
    asked = ["in:ops", "in:ops secret", "-in:general", "from:alice", "is:edited", "on:today"]
    outsider = api(team.carol)
    for text in asked:
        answer = outsider.get("/api/v1/search/messages/", {"q": text}).json()
        nowhere = outsider.get(
            "/api/v1/search/messages/", {"q": text.replace("ops", "no-such-room")}
        ).json()
        assert answer == nowhere == {"next": None, "previous": None, "results": []}


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
def test_who_leaves_a_room_finds_nothing_of_it_any_more(team: Team) -> None:
    team.say(team.alice, team.ops, "the secret word")
    services.remove_member(principal=team.as_(team.alice), room="ops", user_id=team.bob.pk)
    assert found(team, team.bob, "secret") == []


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
def test_edited_and_deleted_messages_are_found_as_they_are_now(team: Team) -> None:
    alice = team.as_(team.alice)
    edited = team.say(team.alice, team.general, "before editing").message_id
    gone = team.say(team.alice, team.general, "soon deleted").message_id
    services.edit_message(principal=alice, message_id=edited, text="after the change")
    services.delete_message(principal=alice, message_id=gone)
    assert found(team, team.bob, "editing") == []
    assert found(team, team.bob, "change") == ["after the change"]
    assert found(team, team.bob, "deleted") == []
    assert Message.objects.get(pk=gone).search_text == ""


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
def test_expired_messages_are_not_found(team: Team) -> None:
    team.say(team.alice, team.general, "long ago")
    later = timezone.now() + timedelta(seconds=1)
    services.expire_messages(room_id=team.general.pk, before=later)
    team.say(team.alice, team.general, "long after")
    assert found(team, team.bob, "long") == ["long after"]


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
def test_pages_go_on_where_the_one_before_ended(team: Team, api: Api) -> None:
    for number in range(7):
        team.say(team.alice, team.general, f"word {number}")
    client, seen = api(team.bob), []
    address: str | None = "/api/v1/search/messages/?q=word&limit=3"
    while address:
        answer = client.get(address).json()
        team.say(team.alice, team.general, "word arriving meanwhile")
        seen += [each["message"] for each in answer["results"]]
        address = answer["next"]
    assert seen == [f"word {number}" for number in reversed(range(7))]


@pytest.mark.django_db
def test_what_is_found_in_many_rooms_is_read_as_fast_as_in_one(team: Team) -> None:
    def statements(word: str, rooms: list[Room]) -> int:
        for number in range(10):
            room = rooms[number % len(rooms)]
            first = team.say(team.alice, room, f"{word} @bob")
            team.say(team.bob, room, f"{word} too", reply_to=first.message_id)
        query = parse(word, NOW)
        with CaptureQueriesContext(connection) as queries:
            hits = selectors.search_messages(team.as_(team.bob), query, limit=100).hits
        assert len(hits) == 20
        assert sum(hit.message.mentions == [team.bob.pk] for hit in hits) == 10
        assert {hit.message.room for hit in hits} == {room.slug for room in rooms}
        answered = [hit.message.reply for hit in hits]
        excerpts = [each.excerpt for each in answered if isinstance(each, ReplyView)]
        assert excerpts == [f"{word} @bob"] * 10
        return len(queries)

    many = [team.room(f"room-{number}", people=[team.bob]) for number in range(10)]
    assert statements("one", [team.general]) == statements("many", many)


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
def test_an_answer_carries_the_message_and_where_it_matches(team: Team, api: Api) -> None:
    team.say(team.alice, team.general, "it **works** now")
    (result,) = api(team.bob).get("/api/v1/search/messages/", {"q": "work"}).json()["results"]
    assert result["room"] == "general"
    assert result["html"] == "<p>it <strong>works</strong> now</p>\n"
    assert result["excerpt"] == {"text": "it **works** now", "ranges": [[5, 9]]}


@pytest.mark.django_db
@pytest.mark.usefixtures("amount")
@pytest.mark.parametrize(
    "query",
    [
        {},
        {"q": ""},
        {"q": "has:cheese"},
        {"q": "x", "cursor": "y"},
        {"q": "x", "limit": "0"},
        {"q": "x", "timezone": "Mars/Olympus"},
        {"q": "x", "timezone": "../../etc/passwd"},
        {"q": "a\0b"},
        {"q": "before:0001", "timezone": "Asia/Shanghai"},
        {"q": "on:0001-01-01", "timezone": "Europe/Berlin"},
        {"q": "x" * 501},
    ],
)
def test_a_query_that_cannot_be_read_is_a_problem_with_its_field(
    team: Team, api: Api, query: dict[str, str]
) -> None:
    answer = api(team.bob).get("/api/v1/search/messages/", query)
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid_command"
    assert set(answer.json()["errors"]) <= {"q", "cursor", "limit", "timezone"}


@pytest.mark.django_db
def test_messages_made_of_marks_do_not_slow_down_a_search(team: Team, api: Api) -> None:
    def seconds(word: str, filling: str) -> float:
        for _ in range(20):
            team.say(team.carol, team.general, f"{word} {filling}")
        client, taken = api(team.bob), []
        for _ in range(2):
            begun = perf_counter()
            answer = client.get("/api/v1/search/messages/", {"q": word, "limit": 20})
            taken.append(perf_counter() - begun)
            assert len(answer.json()["results"]) == 20
        return min(taken)

    ordinary = seconds("ordinary", "é" * 15_900)
    marks = "\u0345" * 7950 + "\u0334" * 7950
    assert seconds("attack", marks) < 3 * ordinary
    # Longer folded than written, and with what cannot be cut anywhere.
    assert seconds("growing", "ﷺ" * 15_900) < 3 * ordinary + 0.1
    assert seconds("joined", "\u3163" * 15_900) < 3 * ordinary + 0.1


def test_a_query_of_nothing_but_marks_is_read_in_no_time() -> None:
    begun = perf_counter()
    for _ in range(100):
        parse("é" * 500, NOW)
    ordinary = perf_counter() - begun
    begun = perf_counter()
    for _ in range(100):
        parse("\u0345" * 250 + "\u0334" * 250, NOW)
    assert perf_counter() - begun < 5 * ordinary
