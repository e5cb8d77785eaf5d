"""The envelope of the WebSocket protocol: commands in, events out, close codes.

docs/protocol/ is the contract. Pure: no Django, no I/O.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec

from realtime.errors import InvalidCommand, InvalidJSON, NotAnObject

PROTOCOL_VERSION = 1
# JavaScript's safe integers: larger numbers change on their way through a browser.
MAX_INTEGER = 2**53
MAX_ID_LENGTH = 64

CommandId = int | str
C = TypeVar("C", bound="Command")


class CloseCode(IntEnum):
    """Close codes and what they ask of the client (docs/protocol/limits-and-errors.md)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    UNSUPPORTED_DATA = 1003
    INVALID_TEXT = 1007
    UNAUTHENTICATED = 1008
    TOO_BIG = 1009
    INTERNAL = 1011
    OVERLOADED = 1013
    SLOW_CONSUMER = 4008
    RIGHTS_CHANGED = 4010
    TOKEN_EXPIRED = 4011
    SILENT = 4012
    FLOODING = 4013
    REVOKED = 4500


class Command(msgspec.Struct, kw_only=True, tag_field="action", forbid_unknown_fields=True):
    """A request from a client. A subclass's `tag` is its action; unknown fields are refused."""


class Event(msgspec.Struct, kw_only=True, tag_field="type"):
    """A message from the server. A subclass's `tag` is its type; UNSET fields are left out."""

    @property
    def subject(self) -> int | None:
        """The id of what it quotes, if that may have to be taken back (streams.retractions)."""
        return None

    def encode(self) -> bytes:
        """Return this event as a JSON object, `type` first."""
        return msgspec.json.encode(self)


class Position(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A place in a log stream: every event of `epoch` up to and including `offset` is known."""

    epoch: Annotated[str, msgspec.Meta(max_length=64)]
    offset: Annotated[int, msgspec.Meta(ge=0)]


class GivenPosition(Position, frozen=True):
    """A position as a client gives it in `recover`.

    It may be an entry of `subscription_confirmed.positions`, sent back as it is: `recovered` is
    ignored.
    """

    recovered: bool | msgspec.UnsetType = msgspec.UNSET


# Positions by stream name, in the one shape that `recover` has on every endpoint.
Recover = dict[str, GivenPosition]


class ConfirmedPosition(msgspec.Struct, frozen=True):
    """The position that a subscriber goes on from in a log, as in `subscription_confirmed`.

    If `recovered`, it is the position that the client asked for, and the events that it missed
    follow. Otherwise it is the current head, and a snapshot follows.
    """

    epoch: str
    offset: int
    recovered: bool


class Frame(NamedTuple):
    """A parsed frame of a client: its action, its id, and all fields but the id."""

    action: str
    id: CommandId | None
    fields: dict[str, Any]


class Amount(Decimal):
    """An exact decimal number in a command: a price, a quantity. On the wire it is a string.

    msgspec's own Decimal would accept a JSON number, which has been a float by then, and "NaN".
    """


def parse(text: str) -> Frame:
    """Parse one text frame.

    Raises:
        NotAnObject: it is not a JSON object.
        InvalidJSON: the object has a duplicate key, is nested too deep, or holds NaN, an infinity,
            an integer that a browser cannot hold or a string that is not text.
        InvalidCommand: it has no usable `action` or `id`.
    """
    try:
        document = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise NotAnObject(f"The frame is no valid JSON: {error}.") from error
    except RecursionError as error:
        raise _refused(text)("The frame is nested too deep.") from error
    except ValueError as error:
        raise _refused(text)(f"The frame is no valid JSON: {error}.") from error
    if not isinstance(document, dict):
        raise NotAnObject("The frame is no JSON object.")
    if "\\u" in text:
        _refuse_unstorable(document)
    identifier = _take_id(document)
    action = document.get("action")
    if action is None and "type" in document:
        action = document.pop("type")
        document["action"] = action
    if action is None and "token" in document:
        # The short form of the first frame: {"token": "...", "channels": [...]}.
        action = document["action"] = "authenticate"
    if not isinstance(action, str):
        raise CommandRefused(
            "A command is named by its `action`.",
            {"action": ["This field is required and is a string."]},
            identifier,
        )
    return Frame(action, identifier, document)


class CommandRefused(InvalidCommand):
    """An invalid command whose id could be read, so that the error frame can carry it."""

    def __init__(
        self, message: str, errors: dict[str, list[str]], identifier: CommandId | None
    ) -> None:
        super().__init__(message, errors=errors)
        self.id = identifier


def convert(fields: Mapping[str, Any], command_type: type[C]) -> C:
    """Convert the fields of a frame to its command.

    Raises:
        InvalidCommand: a field is missing, unknown or of the wrong type; `errors` names it.
    """
    try:
        return msgspec.convert(fields, command_type, dec_hook=_amount)
    except msgspec.ValidationError as error:
        field, reason = _field_of(str(error))
        field = _with_key(field, fields, command_type)
        raise InvalidCommand(f"{field}: {reason}", errors={field: [reason]}) from error


def with_fields(encoded: bytes, fields: Mapping[str, Any]) -> bytes:
    """Return the JSON object `encoded` with `fields` added at its end, without decoding it."""
    if not fields:
        return encoded
    separator = b"" if encoded == b"{}" else b","
    return encoded[:-1] + separator + msgspec.json.encode(fields)[1:]


def rfc3339(moment: datetime | float) -> str:
    """Format a time as the protocol does: RFC 3339, UTC, microseconds. Floats are epoch seconds."""
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, UTC)
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _refused(text: str) -> type[InvalidJSON]:
    """Return the error for a text that a decoder hook rejects: `NaN` alone is an ordinary word."""
    return InvalidJSON if text.lstrip(" \t\n\r").startswith("{") else NotAnObject


def _refuse_unstorable(document: dict[str, Any]) -> None:
    """Refuse escapes that are not text: half a surrogate pair, and U+0000, which no column holds.

    Raises:
        InvalidJSON: there is such a string.
    """
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((*value.keys(), *value.values()))
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and _UNSTORABLE.search(value):
            raise InvalidJSON("The frame holds U+0000 or half a surrogate pair.")


def _take_id(document: dict[str, Any]) -> CommandId | None:
    identifier = document.pop("id", None)
    if identifier is None or (isinstance(identifier, int) and not isinstance(identifier, bool)):
        return identifier
    if isinstance(identifier, str) and len(identifier) <= MAX_ID_LENGTH:
        return identifier
    raise InvalidCommand.field(
        "id", f"An id is an integer or a string of at most {MAX_ID_LENGTH} characters."
    )


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key is there twice")
    return document


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError(f"{literal[:20]} is out of range")
    return number


def _safe_integer(literal: str) -> int:
    # Check the length first: converting thousands of digits takes quadratic time.
    if len(literal) > 17 or abs(number := int(literal)) > MAX_INTEGER:
        raise ValueError(f"{literal[:20]} is beyond 2^53")
    return number


def _refuse_constant(literal: str) -> float:
    raise ValueError(f"{literal} is no JSON")


def _amount(kind: type[Any], value: Any) -> Amount:
    if kind is not Amount:
        raise NotImplementedError(f"no command has a field of {kind}")
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise ValueError('Expected a decimal number as a string, such as "101.25"')
    return Amount(value)


# The standard library's decoder, since its hooks catch what msgspec accepts: duplicate keys,
# numbers out of range and NaN.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_keys,
    parse_float=_finite,
    parse_int=_safe_integer,
    parse_constant=_refuse_constant,
)
_DECIMAL = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_UNSTORABLE = re.compile("[\\x00\\ud800-\\udfff]")
_AT_PATH = re.compile(r"^(?P<reason>.*) - at `(?P<path>[^`]*)`$")
_NAMED_FIELD = re.compile(r"^Object (?P<kind>contains unknown|missing required) field `(?P<f>.*)`")


def _field_of(message: str) -> tuple[str, str]:
    """Return the field that a msgspec message is about, and the reason without it."""
    at = _AT_PATH.match(message)
    reason, path = (at["reason"], at["path"]) if at else (message, "$")
    prefix = path.removeprefix("$").removeprefix(".")
    if named := _NAMED_FIELD.match(reason):
        unknown = named["kind"].startswith("contains")
        field = f"{prefix}.{named['f']}" if prefix else named["f"]
        return field, "This field is unknown." if unknown else "This field is required."
    return prefix or "action", reason


def _with_key(field: str, fields: Mapping[str, Any], command_type: type[Command]) -> str:
    """Return the path `field` with the key that msgspec omits: `recover[...]` names no stream.

    The key is found by converting each entry on its own.
    """
    name, mark, rest = field.partition("[...]")
    entries = fields.get(name)
    if not mark or not isinstance(entries, dict):
        return field
    kinds = {known.encode_name: known.type for known in msgspec.structs.fields(command_type)}
    for key, value in entries.items():
        try:
            msgspec.convert({key: value}, kinds[name], dec_hook=_amount)
        except msgspec.ValidationError:
            return f"{name}[{key[:MAX_ID_LENGTH]}]{rest}"
    return field
