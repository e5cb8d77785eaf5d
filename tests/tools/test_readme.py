"""The README is accurate."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def test_the_configuration_table_names_every_setting_and_no_other() -> None:
    section = README.split("## Configuration")[1].split("## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    source = (ROOT / "realtime_project" / "env.py").read_text()
    read = set(re.findall(r'"((?:PITWALL_)?[A-Z]+(?:_[A-Z]+)*)"', source))
    # Keys of Django's database settings are not variables.
    read -= {"ENGINE", "NAME"}
    assert documented == read


@pytest.mark.parametrize("file", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_lead_to_files_that_exist(file: str) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", (ROOT / file).read_text())
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_commands_it_tells_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    told = set(re.findall(r"^make ([a-z0-9-]+)|`make ([a-z0-9-]+)", text, re.MULTILINE))
    for names in told:
        assert re.search(rf"^{''.join(names)}:", makefile, re.MULTILINE), names
