"""What a client follows, as its user asked for it last. Survives reconnects. Pure."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from .frames import Frame

# Fields of `subscribe` that name what to follow, as opposed to options of a single call.
LISTS = ("metrics", "streams", "rooms", "symbols", "series")
# Lists whose confirmation names everything that is followed from now on.
COMPLETE_LISTS = ("metrics", "streams", "series")
OPTIONS = ("interval",)
# Commands that last as long as the connection: the newest of each holds.
LASTING = ("watch_cards", "away")
EVERYTHING = "*"


class Following:
    """The subscriptions of one client, and the commands to restore them on a new connection.

    Attributes:
        all_rooms: whether the user asked for all rooms, including those joined later.
        lists: what is followed, by field of `subscribe` and identity.
    """

    def __init__(self) -> None:
        self.lists: dict[str, dict[str, Any]] = {}
        self.all_rooms = False
        self._bare = False
        self._options: dict[str, Any] = {}
        # Metrics taken off from everything, until the server has told what that leaves.
        self._excepted: dict[str, Any] = {}
        self._unsubscribed_rooms: set[str] = set()
        self._left_rooms: set[str] = set()
        self._lasting: dict[str, Frame] = {}

    # -- what the server confirmed

    def subscribed(self, sent: Frame, confirmed: Frame) -> None:
        """Note a `subscription_confirmed`, with the command that it answers ({}: none)."""
        for name in LISTS:
            told = confirmed.get(name)
            if name in COMPLETE_LISTS and isinstance(told, list):
                self.lists[name] = {_identity(item): item for item in told}
            else:
                items = told if name == "rooms" and told is not None else sent.get(name)
                self._add(name, items or ())
        if isinstance(confirmed.get("metrics"), list):
            self._excepted.clear()
        nothing_named = not any(name in sent for name in LISTS) and not sent.get("recover")
        if nothing_named and sent:
            self.all_rooms = self.all_rooms or isinstance(confirmed.get("rooms"), dict)
            self._bare = not any(name in confirmed for name in LISTS)
            if self.all_rooms:
                self._unsubscribed_rooms.clear()
        self._options |= {name: sent[name] for name in OPTIONS if name in sent}

    def unsubscribed(self, sent: Frame, confirmed: Frame) -> list[str]:
        """Note an `unsubscription_confirmed`: what the command named, and what the server removed.

        Returns:
            The log streams that are no longer followed.
        """
        if all(sent.get(name) is None for name in LISTS):
            sent = {name: list(items.values()) for name, items in self.lists.items()}
            self.all_rooms = self._bare = False
        streams = []
        for name in LISTS:
            for item in (*(sent.get(name) or ()), *(confirmed.get(name) or ())):
                self._remove(name, item)
                if isinstance(item, str):
                    streams.append(room_stream(item) if name == "rooms" else item)
        self._unsubscribed_rooms.update(sent.get("rooms") or ())
        return streams

    def left(self, rooms: Iterable[str]) -> list[str]:
        """Note that the user is no longer in these rooms. Returns their log streams."""
        rooms = list(rooms)
        for room in rooms:
            self._remove("rooms", room)
        self._left_rooms.update(rooms)
        return [room_stream(room) for room in rooms]

    def done(self, sent: Frame) -> None:
        """Note that a command succeeded: some last as long as their connection."""
        if sent["action"] in LASTING:
            self._lasting[sent["action"]] = sent
        elif sent["action"] == "request_data" and sent.get("request") == "time":
            self._lasting["time"] = sent

    # -- what to send

    def subscribe(self) -> Frame | None:
        """Return the fields of the `subscribe` that restores everything, or None."""
        frame: Frame = {name: list(items.values()) for name, items in self.lists.items() if items}
        if not frame and not self._bare:
            return None
        if "rooms" in frame:
            # The user may have been put out meanwhile: restoring must not bring them back in.
            frame["join"] = False
        return frame | self._options

    def corrections(self) -> list[Frame]:
        """Return what `subscribe` must be followed by: it cannot say "everything but"."""
        if not self._excepted:
            return []
        return [{"action": "unsubscribe", "metrics": list(self._excepted.values())}]

    def question(self) -> Frame | None:
        """Return a command whose reply tells which metrics are followed, if only the server knows.

        Whoever follows everything and takes one metric off keeps those that exist at that time.
        """
        return {"action": "subscribe", "metrics": []} if self._excepted else None

    def lasting(self) -> list[Frame]:
        """Return the commands that a new connection needs besides its subscriptions."""
        frames = [{k: v for k, v in sent.items() if k != "id"} for sent in self._lasting.values()]
        if self.all_rooms:
            frames.append({"action": "request_data", "request": "rooms"})
        return frames

    def new_rooms(self, slugs: Iterable[str]) -> list[str]:
        """Return those of the user's rooms that belong to "all rooms" and are not followed yet."""
        if not self.all_rooms:
            return []
        known = self.lists.get("rooms", {}).keys() | self._unsubscribed_rooms
        return [slug for slug in slugs if slug not in known]

    def unwanted_room(self, slug: str) -> bool:
        """Tell whether the user has left or unsubscribed from a room."""
        return slug in self._unsubscribed_rooms | self._left_rooms

    # -- one list

    def _add(self, name: str, items: Iterable[Any]) -> None:
        for item in items:
            self.lists.setdefault(name, {})[_identity(item)] = item
            if name == "rooms":
                self._unsubscribed_rooms.discard(item)
                self._left_rooms.discard(item)

    def _remove(self, name: str, item: Any) -> None:
        items = self.lists.get(name, {})
        if item == EVERYTHING:
            items.clear()
            self._excepted.clear()
        elif name == "metrics" and EVERYTHING in items:
            self._excepted[_identity(item)] = item
        items.pop(_identity(item), None)


def halves(fields: Mapping[str, Any]) -> list[Frame]:
    """Divide a `subscribe` that was refused as a whole into two; one that names one thing: []."""
    items = [(name, item) for name in LISTS for item in fields.get(name, ())]
    if len(items) < 2:
        return []
    rest = {name: value for name, value in fields.items() if name not in (*LISTS, "recover")}
    recover = dict(fields.get("recover", {}))
    middle = len(items) // 2
    return [_part(items[:middle], rest, recover), _part(items[middle:], rest, recover)]


def room_stream(slug: str) -> str:
    """Return the name of a room's log stream."""
    return f"room:{slug}"


def _part(items: list[tuple[str, Any]], rest: Frame, recover: dict[str, Any]) -> Frame:
    frame = dict(rest)
    wanted = {}
    for name, item in items:
        frame.setdefault(name, []).append(item)
        stream = room_stream(item) if name == "rooms" else item
        if isinstance(stream, str) and stream in recover:
            wanted[stream] = recover[stream]
    return frame | ({"recover": wanted} if wanted else {})


def _identity(item: Any) -> str:
    """Return equal keys for equal items: names, or series with their tags in any order."""
    if isinstance(item, str):
        return item
    return json.dumps([item.get("metric"), item.get("tags") or {}], sort_keys=True)
