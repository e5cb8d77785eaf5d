"""The client side of the protocol, without I/O: frames in, decisions out.

A `Session` lives as long as its client and survives reconnects. It remembers the subscriptions
and the position in every log stream. `client.py` does the I/O and the waiting.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .errors import CommandError
from .frames import Frame, MalformedFrameError, decode
from .positions import Positions, Verdict

RESUME_PREFIX = "resume-"
# Fields of `subscribe` that name what to follow, as opposed to options of a single call.
REMEMBERED_LISTS = ("metrics", "streams", "rooms", "symbols", "series")
REMEMBERED_OPTIONS = ("interval",)
# Temporary errors.
PASSING = frozenset({"rate_limited", "unavailable", "internal"})


@dataclass
class Received:
    """The results of one message from the server.

    Attributes:
        events: frames for the application, in order.
        replies: frames that answer commands, by command id.
        outgoing: frames to send back now.
        must_reconnect: the subscriptions could not be restored; try again on a new connection.
    """

    events: list[Frame] = field(default_factory=list)
    replies: list[tuple[int, Frame]] = field(default_factory=list)
    outgoing: list[Frame] = field(default_factory=list)
    must_reconnect: bool = False


@dataclass(frozen=True)
class Goodbye:
    """The server's `disconnect` frame: the coming close code, and when to reconnect."""

    code: int | None = None
    reason: str = ""
    retry_after: float | None = None


class Session:
    """State of one client across its connections.

    Attributes:
        positions: the position in each log stream.
        established: the `connection_established` frame of the current connection, or None.
        authenticated: whether the current connection has a user.
        goodbye: the last `disconnect` frame of the current connection, or None.
    """

    def __init__(self) -> None:
        self.positions = Positions()
        self.established: Frame | None = None
        self.authenticated = False
        self.goodbye: Goodbye | None = None
        self._next_id = 0
        self._sent: dict[int, Frame] = {}
        self._lists: dict[str, dict[str, Any]] = {}
        self._options: dict[str, Any] = {}
        self._following = False

    @property
    def heartbeat_timeout(self) -> float:
        """Seconds without a frame after which the connection is considered dead."""
        return float((self.established or {}).get("heartbeat_timeout", 45.0))

    def connected(self) -> None:
        """Reset the state that belongs to one connection; call it when a new one is opened."""
        self.established = None
        self.authenticated = False
        self.goodbye = None
        self.positions.recovery_ended()

    def disconnected(self) -> list[int]:
        """Record that the connection ended. Returns the ids of commands that got no reply."""
        lost = list(self._sent)
        self._sent.clear()
        self.positions.recovery_ended()
        return lost

    def command(self, action: str, fields: Frame) -> tuple[int, Frame]:
        """Assign an id to a command. Returns the id and the frame to send."""
        self._next_id += 1
        frame = {"action": action, "id": self._next_id, **fields}
        self._sent[self._next_id] = frame
        return self._next_id, frame

    def abandon(self, command_id: int) -> None:
        """Stop waiting for the reply to a command. A late reply is delivered as an event."""
        self._sent.pop(command_id, None)

    def resume(self) -> Frame | None:
        """Return the `subscribe` that restores all subscriptions, or None if there are none."""
        if not self._following and not self.positions.known:
            return None
        self._next_id += 1
        frame: Frame = {"action": "subscribe", "id": f"{RESUME_PREFIX}{self._next_id}"}
        frame |= {name: list(items.values()) for name, items in self._lists.items() if items}
        frame |= self._options
        if recover := self.positions.recover():
            frame["recover"] = recover
        return frame

    def receive(self, data: str | bytes) -> Received:
        """Process one WebSocket message. A malformed one becomes an `unreadable` event."""
        received = Received()
        try:
            for frame in decode(data):
                self._take(frame, received)
        except MalformedFrameError:
            # An echoed binary message, or a server that is newer than this client.
            received.events.append({"type": "unreadable", "data": data})
        return received

    def _take(self, frame: Frame, received: Received) -> None:
        frame_id = frame.get("id")
        if isinstance(frame_id, int) and frame_id in self._sent:
            self._take_reply(frame_id, frame, received)
        elif isinstance(frame_id, str) and frame_id.startswith(RESUME_PREFIX):
            self._take_resumed(frame, received)
        else:
            self._take_push(frame, received)

    def _take_reply(self, command_id: int, frame: Frame, received: Received) -> None:
        sent = self._sent.pop(command_id)
        if frame.get("type") == "subscription_confirmed":
            self._remember(sent)
            self.positions.confirm(frame.get("positions") or {})
        elif frame.get("type") == "unsubscription_confirmed":
            self._forget(sent, frame)
        elif frame.get("type") == "auth_success":
            self.authenticated = True
        received.replies.append((command_id, frame))

    def _take_resumed(self, frame: Frame, received: Received) -> None:
        if frame.get("type") == "subscription_confirmed":
            self.positions.confirm(frame.get("positions") or {})
        elif frame.get("type") == "error":
            self.positions.recovery_ended()
            if frame.get("code") == "unrecoverable_position":
                self.positions.forget_all()
                received.outgoing.extend(self._resumption())
            elif frame.get("code") in PASSING:
                self._leave(frame)
                received.must_reconnect = True
        # Deliver it to the application: `recovered: false` means that a snapshot follows.
        received.events.append(frame)

    def _leave(self, refusal: Frame) -> None:
        """Record when to reconnect: not before the refusal's `retry_after`."""
        self.goodbye = Goodbye(
            reason=str(refusal.get("code")), retry_after=refusal.get("retry_after")
        )

    def _take_push(self, frame: Frame, received: Received) -> None:
        kind = frame.get("type")
        if kind == "heartbeat":
            received.outgoing.append(_acknowledge(frame))
            if self.positions.behind(frame.get("offsets") or {}):
                received.outgoing.extend(self._resumption())
            return
        if kind == "connection_established":
            self.established = frame
            self.authenticated = frame.get("user") is not None
        elif kind == "disconnect":
            self.goodbye = Goodbye(
                frame.get("code"), str(frame.get("reason", "")), frame.get("retry_after")
            )
        verdict = self.positions.judge(frame)
        if verdict is Verdict.DELIVER:
            received.events.append(frame)
        elif verdict is Verdict.RECOVER:
            received.outgoing.extend(self._resumption())

    def _resumption(self) -> Iterable[Frame]:
        frame = self.resume()
        return [] if frame is None else [frame]

    def _remember(self, sent: Frame) -> None:
        self._following = True
        for name in REMEMBERED_LISTS:
            for item in sent.get(name) or ():
                self._lists.setdefault(name, {})[_identity(item)] = item
        self._options |= {name: sent[name] for name in REMEMBERED_OPTIONS if name in sent}

    def _forget(self, sent: Frame, confirmed: Frame) -> None:
        """Forget the subscriptions that the command named and those that the server removed."""
        if all(sent.get(name) is None for name in REMEMBERED_LISTS):
            sent = {name: list(items.values()) for name, items in self._lists.items()}
        for name in REMEMBERED_LISTS:
            remembered = self._lists.get(name, {})
            for item in (*(sent.get(name) or ()), *(confirmed.get(name) or ())):
                remembered.pop(_identity(item), None)
                if item == "*":
                    remembered.clear()
                if isinstance(item, str):
                    self.positions.forget(f"room:{item}" if name == "rooms" else item)
        if not any(self._lists.values()):
            self._following = False


def error_of(frame: Frame) -> CommandError | None:
    """Return the exception of a reply, or None when the command succeeded."""
    return CommandError.from_frame(frame) if frame.get("type") == "error" else None


def _identity(item: Any) -> str:
    """Return equal keys for equal items: names, or series with their tags in any order."""
    if isinstance(item, str):
        return item
    return json.dumps([item.get("metric"), item.get("tags") or {}], sort_keys=True)


def _acknowledge(heartbeat: Frame) -> Frame:
    acknowledgement: Frame = {"action": "heartbeat_ack"}
    if "timestamp" in heartbeat:
        acknowledgement["timestamp"] = heartbeat["timestamp"]
    return acknowledgement
