"""Apps register things by name, each name once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from realtime.registries import Registry, qualified_name


@dataclass(frozen=True)
class Tyre:
    name: str
    laps: int = 0


@pytest.fixture
def tyres() -> Registry[Tyre]:
    registry: Registry[Tyre] = Registry("tyre")
    for name in ("soft", "hard", "medium"):
        registry.register(Tyre(name))
    return registry


def test_things_are_found_by_name_and_listed_as_they_came(tyres: Registry[Tyre]) -> None:
    assert tyres["hard"] is tyres.get("hard") is not None
    assert [tyre.name for tyre in tyres] == ["soft", "hard", "medium"]
    assert tyres.names() == ["hard", "medium", "soft"]
    assert ("soft" in tyres, "wet" in tyres, len(tyres)) == (True, False, 3)
    assert tyres.get("wet") is None


def test_a_name_that_is_taken_is_refused_and_the_first_stays(tyres: Registry[Tyre]) -> None:
    with pytest.raises(ValueError, match="two tyres of the name 'hard'"):
        tyres.register(Tyre("hard", laps=3))
    assert tyres["hard"].laps == 0


def test_the_same_thing_twice_is_one(tyres: Registry[Tyre]) -> None:
    assert tyres.register(tyres["hard"]) is tyres["hard"]
    assert len(tyres) == 3


def test_an_unknown_name_is_answered_with_those_there_are(tyres: Registry[Tyre]) -> None:
    with pytest.raises(KeyError, match="no tyre 'wet'; there are: hard, medium, soft"):
        tyres["wet"]
    assert repr(tyres) == "<Registry of tyres: hard, medium, soft>"
    assert repr(Registry("lap")) == "<Registry of laps: none>"


def test_what_is_taken_off_can_be_offered_anew(tyres: Registry[Tyre]) -> None:
    tyres.unregister("hard")
    assert "hard" not in tyres
    tyres.register(Tyre("hard", laps=3))
    with pytest.raises(KeyError):
        tyres.unregister("wet")


def test_it_is_a_decorator_of_functions_and_classes() -> None:
    steps: Registry[type | object] = Registry("step", name_of=qualified_name)  # type: ignore[arg-type]

    @steps.register
    class First:
        pass

    @steps.register
    def second() -> None:
        pass

    assert list(steps) == [First, second]
    assert steps.names()[0].endswith("<locals>.First")
