"""Tags: which are accepted, and which are equal."""

import pytest

from dashboard.samples import tags


def test_the_order_of_tags_does_not_make_another_series() -> None:
    assert tags.key({"room": "lab", "rack": "7"}) == tags.key({"rack": "7", "room": "lab"})
    assert tags.key({"room": "lab"}) != tags.key({"room": "lab", "rack": "7"})


def test_a_text_that_looks_like_two_tags_is_one() -> None:
    assert tags.key({"a": '1","b":"2'}) != tags.key({"a": "1", "b": "2"})


def test_values_of_any_script_are_taken() -> None:
    assert tags.check({"room": "实验室 2"}) == {"room": "实验室 2"}


@pytest.mark.parametrize(
    "wrong",
    [
        "room=lab",
        ["room"],
        None,
        {"Room": "lab"},
        {"": "lab"},
        {"room\n": "lab"},
        {"r" * 33: "lab"},
        {"room": ""},
        {"room": 7},
        {"room": None},
        {"room": "x" * 65},
        {"room": "a\nb"},
        {f"tag{n}": "x" for n in range(9)},
    ],
)
def test_other_shapes_are_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        tags.check(wrong)
