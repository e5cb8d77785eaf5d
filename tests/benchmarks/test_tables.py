"""Tables and ratios: a benchmark's output can be parsed, and its ratios are correct."""

from __future__ import annotations

import pytest

from benchmarks.support import mixture, pairs, tables, ticks


def test_a_printed_table_is_read_back_as_it_was() -> None:
    text = tables.table(
        ("", "a second", "target"), [("Pitwall", 1234.5, "met (≥ 3)"), ("ws", 2, "")]
    )
    assert tables.parse(f"Some words before.\n\n{text}\n\nand after") == [
        {"": "Pitwall", "a second": "1,234", "target": "met (≥ 3)"},
        {"": "ws", "a second": "2", "target": ""},
    ]


def test_all_rows_of_a_table_are_as_wide() -> None:
    text = tables.table(("name", "number"), [("short", 1.0), ("a much longer one", 100_000.0)])
    assert len({len(line) for line in text.splitlines()}) == 1


def test_text_without_a_table_is_no_table() -> None:
    with pytest.raises(ValueError, match="no table"):
        tables.parse("nothing to see")


def test_a_row_with_a_cell_too_many_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        tables.parse("| a | b |\n| - | - |\n| 1 | 2 | 3 |")


def test_a_verdict_tells_the_target() -> None:
    assert tables.verdict(3.0, at_least=3) == "met (≥ 3)"
    assert tables.verdict(2.9, at_least=3) == "MISSED (≥ 3)"
    assert tables.verdict(0.41, at_most=0.4) == "MISSED (≤ 0.4)"


def test_contenders_take_turns_and_the_order_turns_round() -> None:
    order: list[str] = []

    def run(name: str) -> dict[str, str]:
        order.append(name)
        return {"name": name}

    results = pairs.alternate({"a": lambda: run("a"), "b": lambda: run("b")}, rounds=2)
    assert order == ["a", "b", "b", "a"]
    assert [len(found) for found in results.values()] == [2, 2]


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    """It is not the ratio of the medians: a slow moment slows both runs of a round."""
    results: pairs.Rounds = {
        "ours": [{"speed": 10.0}, {"speed": 300.0}, {"speed": 40.0}],
        "theirs": [{"speed": 5.0}, {"speed": 100.0}, {"speed": 10.0}],
    }
    assert pairs.ratio(results, "ours", "theirs", lambda result: float(result["speed"])) == 3.0


def test_a_peers_tick_has_its_230_bytes() -> None:
    assert len(ticks.text(123_456, 1_790_000_000.123456)) == 230


def test_the_mixture_counts_what_it_sends() -> None:
    followers, rounds = 40, 7
    expected = mixture.expected(rounds, followers)
    assert expected[mixture.TICK] == rounds * followers
    # Forty sockets in twenty rooms: two in each room.
    assert expected[mixture.MESSAGE] == rounds * mixture.MESSAGES * 2
    assert expected[mixture.PUSH] == rounds * mixture.PUSHES


def test_the_mixtures_followers_pick_different_metrics() -> None:
    picked = {tuple(mixture.selection(number)) for number in range(100)}
    assert len(picked) == mixture.SELECTIONS
    assert all({"q", "t"} < set(names) for names in picked)
