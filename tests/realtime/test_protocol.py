"""The envelope: accepted frames, refused frames, and the errors for them."""

import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.errors import AppError, InvalidCommand, InvalidJSON
from realtime.protocol import Amount, Command, Position, convert, parse, rfc3339, with_fields

# Valid text in a frame: everything except U+0000 and halves of surrogate pairs.
characters = st.characters(exclude_characters="\0", codec="utf-8")
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(characters, max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(characters, max_size=8), inner)
    ),
    max_leaves=10,
)
objects = st.dictionaries(st.text(characters, max_size=8), values, max_size=6)


class Place(Command, tag="place"):
    symbol: str
    levels: list[int] = []


@given(st.text())
def test_no_text_whatever_makes_more_than_a_refusal(text):
    try:
        frame = parse(text)
    except AppError:
        return
    assert isinstance(frame.action, str)


class Resume(Command, tag="resume"):
    recover: dict[str, Position] = {}


@pytest.mark.parametrize(
    ("position", "field"),
    [
        (5, "recover[room:ops]"),
        ({"epoch": "e", "offset": -1}, "recover[room:ops].offset"),
        ({"epoch": "e"}, "recover[room:ops].offset"),
        ({"epoch": "e", "offset": 1, "more": 1}, "recover[room:ops].more"),
    ],
)
def test_a_malformed_position_is_named_by_its_stream(position, field):
    good = {"epoch": "e", "offset": 1}
    given = {"action": "resume", "recover": {"good": good, "room:ops": position, "late": good}}
    with pytest.raises(InvalidCommand) as refused:
        convert(given, Resume)
    assert list(refused.value.errors) == [field]


class Price(Command, tag="price"):
    price: Amount


@given(st.decimals(-(10**18) + 1, 10**18 - 1, places=6))
def test_an_amount_is_exactly_what_was_written(amount):
    assert convert({"action": "price", "price": f"{amount:f}"}, Price).price == amount


@pytest.mark.parametrize(
    "value",
    [
        1,
        1.5,
        True,
        None,
        "NaN",
        "Infinity",
        "1e3",
        "1e400",
        "",
        " 1",
        "1\n",
        "+1",
        ".5",
        "١",
        "9" * 19,
    ],
)
def test_an_amount_that_is_no_plain_decimal_string_is_refused_by_its_name(value):
    with pytest.raises(InvalidCommand) as refused:
        convert({"action": "price", "price": value}, Price)
    assert refused.value.errors.keys() == {"price"}


@given(objects)
def test_what_json_holds_comes_through_unchanged(document):
    document = {key: value for key, value in document.items() if key not in ("id", "type")}
    frame = parse(json.dumps({**document, "action": "place", "id": 7}))
    assert (frame.action, frame.id) == ("place", 7)
    assert frame.fields == {**document, "action": "place"}


@given(objects, st.sampled_from([math.nan, math.inf, -math.inf, 2**53 + 1, -(2**53) - 1]))
def test_numbers_that_a_browser_cannot_hold_are_refused_wherever_they_stand(document, number):
    with pytest.raises(InvalidJSON):
        parse(json.dumps({**document, "action": "place", "deep": [{"number": number}]}))


def test_a_huge_number_is_refused_without_being_computed():
    with pytest.raises(InvalidJSON):
        parse('{"action": "place", "symbol": ' + "9" * 60_000 + "}")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "symbol"),
        ({"symbol": 1}, "symbol"),
        ({"symbol": "A", "levels": [1, "two"]}, "levels[1]"),
        ({"symbol": "A", "sybmol": "A"}, "sybmol"),
    ],
)
def test_a_refused_command_names_the_field(fields, field):
    with pytest.raises(InvalidCommand) as refused:
        convert({"action": "place", **fields}, Place)
    assert refused.value.errors is not None
    assert list(refused.value.errors) == [field]


@given(objects, st.dictionaries(st.text(min_size=1, max_size=8), st.integers(0, 99), max_size=3))
def test_fields_are_added_without_decoding(document, fields):
    document = {key: value for key, value in document.items() if key not in fields}
    encoded = json.dumps(document).encode()
    assert json.loads(with_fields(encoded, fields)) == {**document, **fields}


def test_times_are_utc_with_microseconds():
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert rfc3339(moment) == "2026-01-02T03:04:05.000000Z"
    assert rfc3339(moment.timestamp()) == rfc3339(moment)
