"""The tables and names of docs/protocol/: complete, and true to the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import accounts.protocol
import chat.protocol
import dashboard.protocol
import notifications.protocol
from realtime import messages
from realtime.errors import AppError, _family
from realtime.protocol import CloseCode, Command, Event
from realtime_project.routing import websocket_urlpatterns
from tests.docs import pages
from tests.docs.fields import fields_of, resolve

TEXTS = {page.stem: page.read_text() for page in pages.pages()}
TABLES = [(name, table) for name, text in TEXTS.items() for table in pages.tables(text)]
SERVED = "".join(text for name, text in TEXTS.items() if name != "planned")
MODULES = (
    messages, accounts.protocol, chat.protocol, dashboard.protocol, notifications.protocol
)  # fmt: skip
# Made of encoded frames (realtime.fanout.frames), so it is no type.
UNTYPED = {"batch_messages"}
# Bases of others, and events that have the fields of another one.
NO_TABLE_OF_THEIR_OWN = {
    messages.Ack, dashboard.protocol.MetricEntry, chat.protocol.ChatMessage,
}  # fmt: skip


def types(base: type) -> set[Any]:
    """Return the types of the protocol, those that endpoints serve today."""
    return {
        each
        for module in MODULES
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, base) and each is not base
    }


def tags(base: type) -> set[str]:
    return {each.__struct_config__.tag for each in types(base)} - {None, "MetricEntry"}


@pytest.mark.parametrize(
    ("page", "table"), TABLES, ids=[f"{page}:{table.line}" for page, table in TABLES]
)
def test_a_table_has_the_fields_of_its_type(page: str, table: pages.Table) -> None:
    for name in table.type.split():
        known = {field.name: field for field in fields_of(resolve(name))}
        shown = {row[0].strip("`?"): row for row in table.rows}
        assert list(shown) == list(known), name
        for field in known.values():
            label, kind, meaning = shown[field.name]
            assert label.endswith("?") == field.optional, f"{name}.{field.name}"
            assert kind.split()[0] in field.words | {"any"}, f"{name}.{field.name}: {field.words}"
            assert ("or null" in kind) == field.nullable, f"{name}.{field.name}"
            assert meaning, f"{name}.{field.name}"


def test_every_type_has_a_table() -> None:
    described = {resolve(name) for _page, table in TABLES for name in table.type.split()}
    missing = (types(Command) | types(Event)) - described - NO_TABLE_OF_THEIR_OWN
    missing = {each for each in missing if fields_of(each)}
    assert {each.__qualname__ for each in missing} == set()


def test_every_action_is_shown_where_it_is_served_and_no_other_is() -> None:
    shown = {
        json.loads(example.text).get("action")
        for text in TEXTS.values()
        for example in pages.steps(text)
        if isinstance(example, pages.Example)
        and example.direction == pages.SENT
        and example.text.startswith('{"action"')
    }
    served = {
        action
        for route in websocket_urlpatterns
        for action in route.callback.consumer_class.handlers
    }
    assert served - shown == {"broadcast"}  # another name of send_message, as its page says
    assert "`broadcast` is another name" in SERVED
    assert shown - served == {"pong"}  # an error on purpose
    assert served == tags(Command)


def test_every_event_is_shown_and_no_other_is() -> None:
    shown = set(re.findall(r'^(?:← )?\{"type": "([a-z_]+)"', SERVED, re.MULTILINE))
    # No socket gets it: it ends every subscription.
    assert tags(Event) - shown == {"room_deleted"} - UNTYPED
    assert "`RoomDeleted`" not in SERVED
    assert shown - tags(Event) == UNTYPED


def test_planned_events_are_not_served() -> None:
    planned = set(re.findall(r"`([a-z_]+) \{", TEXTS["planned"]))
    assert planned
    shared = {"subscribe", "unsubscribe", "subscription_confirmed", "ack"}
    assert planned & (tags(Event) | tags(Command)) <= shared


def _table_after(heading: str) -> list[str]:
    section = TEXTS["limits-and-errors"].split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `?([a-z_0-9]+)`? \|", section, re.MULTILINE)[1:]


def test_every_error_code_is_explained_and_no_other_is() -> None:
    ours = {error.code for error in _family(AppError) if error.__module__ == "realtime.errors"}
    assert set(_table_after("Error codes")) == ours | {"unrecoverable_position"}


def test_every_close_code_is_explained_and_no_other_is() -> None:
    # The WebSocket library itself closes for text that is not UTF-8 and for frames too big.
    assert {int(code) for code in _table_after("Close codes")} == {int(code) for code in CloseCode}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_frames_that_cannot_be_played_have_the_fields_of_their_type(text: str) -> None:
    fixed = r"^<!-- frame: ([\w.]+) -->\n```json\n(.*?)^```"
    for name, shown in re.findall(fixed, text, re.MULTILINE | re.DOTALL):
        kind, frame = resolve(name), json.loads(shown)
        known = {field.name for field in fields_of(kind)} | {"type", "id"}
        assert frame.keys() <= known
        msgspec.convert({key: value for key, value in frame.items() if key != "id"}, kind)


@pytest.mark.parametrize("page", pages.pages(), ids=TEXTS.keys())
def test_links_lead_to_pages_and_headings_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        address, _hash, heading = target.partition("#")
        if "://" in address:
            continue
        file = (page.parent / address).resolve() if address else page
        assert file.exists(), target
        if heading and file.suffix == ".md":
            assert heading in _anchors(file.read_text()), target


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
