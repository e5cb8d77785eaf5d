"""Exact and complete pins: two installations a year apart are identical."""

import re
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
FILES = ("requirements.txt", "requirements-dev.txt")


def lines_of(file: str) -> list[str]:
    lines = (ROOT / file).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r"))]


def pins_of(*files: str) -> dict[str, Requirement]:
    pins = [Requirement(line.split("#")[0]) for file in files for line in lines_of(file)]
    return {
        canonicalize_name(pin.name): pin
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }


def pulled_in(pin: Requirement) -> set[str]:
    needed = map(Requirement, requires(pin.name) or [])
    return {
        canonicalize_name(need.name)
        for need in needed
        if need.marker is None
        or any(need.marker.evaluate({"extra": extra}) for extra in ("", *pin.extras))
    }


@pytest.mark.parametrize("file", FILES)
def test_every_pin_is_exact_and_what_is_installed(file: str) -> None:
    for name, pin in pins_of(file).items():
        assert str(pin.specifier) == f"=={version(name)}", name


@pytest.mark.parametrize("files", [FILES[:1], FILES], ids=["to run", "to test"])
def test_what_a_pinned_package_pulls_in_is_pinned_too(files: tuple[str, ...]) -> None:
    pins = pins_of(*files)
    missing = {name: pulled_in(pin) - pins.keys() for name, pin in pins.items()}
    assert {name: names for name, names in missing.items() if names} == {}


@pytest.mark.parametrize("file", FILES)
def test_every_package_chosen_by_us_has_its_reason(file: str) -> None:
    chosen = (ROOT / file).read_text().split("# Pulled in by")[0].splitlines()
    for line in chosen:
        if "==" in line:
            assert re.search(r"# \w", line), line
