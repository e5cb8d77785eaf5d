"""The client side of the protocol, without I/O: frames in, decisions out.

A `Session` lives as long as its client and survives reconnects. It knows what the client follows
and the position in every log stream. `link.py` does the I/O and the waiting.
"""

from collections.abc import Iterable
from typing import Any

from .errors import CommandError
from .following import Following, halves
from .frames import Frame, MalformedFrameError, decode
from .positions import Positions, Verdict, is_snapshot, stream_of
from .received import Goodbye as Goodbye
from .received import Received as Received

RESUME_PREFIX = "resume-"
# Temporary errors.
PASSING = frozenset({"rate_limited", "unavailable", "internal"})
# Frames that a full buffer must take: nothing would bring them again.
ESSENTIAL = frozenset(
    {
        "connection_established",
        "disconnect",
        "error",
        "subscription_confirmed",
        "unsubscription_confirmed",
        "room_joined",
        "room_left",
    }
)


class Session:
    """State of one client across its connections.

    Attributes:
        positions: the position in each log stream.
        following: what the client follows.
        established: the `connection_established` frame of the current connection, or None.
        authenticated: whether the current connection has a user.
        goodbye: the last `disconnect` frame of the current connection, or None.
        shedding: whether there is no room for events. Those of log streams are then requested
            again by `catch_up`; others are lost, and counted in `shed`.
        shed: number of events lost that way.
        token: token of the last `authenticate` command that succeeded, or None.
    """

    def __init__(self) -> None:
        self.positions = Positions()
        self.following = Following()
        self.established: Frame | None = None
        self.authenticated = False
        self.goodbye: Goodbye | None = None
        self.shedding = False
        self.shed = 0
        self.token: str | None = None
        self._next_id = 0
        self._sent: dict[int, Frame] = {}
        # Commands that the session sent by itself, by id.
        self._own: dict[str, Frame] = {}

    @property
    def heartbeat_timeout(self) -> float:
        """Seconds without a frame after which the connection is considered dead."""
        return float((self.established or {}).get("heartbeat_timeout", 45.0))

    # -- connections

    def connected(self) -> None:
        """Reset the state that belongs to one connection; call it when a new one is opened."""
        self.established = None
        self.authenticated = False
        self.goodbye = None
        self._own.clear()
        self.positions.reconnected()

    def disconnected(self) -> list[int]:
        """Record that the connection ended. Returns the ids of commands that got no reply."""
        lost = list(self._sent)
        self._sent.clear()
        self._own.clear()
        self.positions.recovery_ended()
        return lost

    def restore(self) -> list[Frame]:
        """Return the commands that make a new connection follow what the last one did."""
        return [*self._resumption(), *map(self._issue, self.following.lasting())]

    def resume(self) -> Frame | None:
        """Return the `subscribe` that restores all subscriptions, or None if there are none."""
        fields = self.following.subscribe()
        recover = self.positions.recover()
        if fields is None and not recover:
            return None
        return self._issue(
            {"action": "subscribe", **(fields or {}), **({"recover": recover} if recover else {})}
        )

    def catch_up(self) -> list[Frame]:
        """Return the commands that request events for which there was no room."""
        return list(self._resumption()) if self.positions.catch_up() else []

    # -- commands

    def command(self, action: str, fields: Frame) -> tuple[int, Frame]:
        """Assign an id to a command. Returns the id and the frame to send."""
        self._next_id += 1
        frame = {"action": action, "id": self._next_id, **fields}
        self._sent[self._next_id] = frame
        return self._next_id, frame

    def abandon(self, command_id: int) -> None:
        """Stop waiting for the reply to a command. A late reply is delivered as an event."""
        self._sent.pop(command_id, None)

    # -- frames

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
            self._take_reply(self._sent.pop(frame_id), frame, received)
            received.replies.append((frame_id, frame))
        elif isinstance(frame_id, str) and frame_id in self._own:
            self._take_own(self._own.pop(frame_id), frame, received)
        else:
            self._take_push(frame, received)

    def _take_reply(self, sent: Frame, frame: Frame, received: Received) -> None:
        kind = frame.get("type")
        if kind == "error":
            return
        if kind == "subscription_confirmed":
            self._confirm(sent, frame)
        elif kind == "unsubscription_confirmed":
            self._forget(self.following.unsubscribed(sent, frame))
            received.outgoing.extend(self._issued(self.following.question()))
        elif kind == "auth_success":
            self.authenticated = True
            self.token = str(sent.get("token"))
        elif sent["action"] == "leave_room":
            # Its events may still come; a reconnect now must not bring the room back.
            self._forget(self.following.left([str(sent.get("room"))]))
        self.following.done(sent)

    def _take_own(self, sent: Frame, frame: Frame, received: Received) -> None:
        """Take the reply to a command that the session sent by itself."""
        kind = frame.get("type")
        if kind == "error":
            self._take_own_refusal(sent, frame, received)
        elif kind == "subscription_confirmed":
            # Left after the command was sent: the server read it as a wish to look in.
            unwanted = [
                room for room in frame.get("rooms") or () if self.following.unwanted_room(room)
            ]
            self._confirm(sent, frame)
            if unwanted:
                self._forget(self.following.left(unwanted))
                received.outgoing.append(self._issue({"action": "unsubscribe", "rooms": unwanted}))
            if sent.get("metrics") != []:
                # `recovered: false` tells the application that a snapshot follows.
                received.events.append(frame)
        elif kind == "unsubscription_confirmed":
            received.outgoing.extend(self._issued(self.following.question()))
        elif kind == "data_response":
            rooms = [room["slug"] for room in frame.get("data") or () if room.get("role")]
            received.outgoing.extend(self._follow_rooms(rooms))
        elif sent["action"] == "watch_cards":
            received.events.extend(_card_updates(frame))
        elif kind == "time_update":
            received.events.append(frame)

    def _take_own_refusal(self, sent: Frame, frame: Frame, received: Received) -> None:
        code = frame.get("code")
        self.positions.recovery_ended(sent.get("recover"))
        if code in PASSING:
            self.goodbye = Goodbye(reason=str(code), retry_after=frame.get("retry_after"))
            received.must_reconnect = True
        elif code == "unrecoverable_position":
            self.positions.forget_all()
            received.outgoing.extend(self._resumption())
        elif code == "not_found" and sent["action"] == "subscribe":
            # One name that is gone must not keep the others from being followed.
            if parts := halves(sent):
                received.outgoing.extend(self._issue(part) for part in parts)
                return
            self._forget(self.following.unsubscribed(sent, {}))
        received.events.append(frame)

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
        elif kind == "subscription_confirmed":
            self.following.subscribed({}, frame)
            self.positions.confirm_unasked(frame.get("positions") or {})
        elif kind in ("unsubscription_confirmed", "room_left"):
            rooms = [frame["room"]] if "room" in frame else frame.get("rooms") or ()
            self._forget(self.following.left(rooms))
        elif kind == "room_joined":
            received.outgoing.extend(self._follow_rooms([str(frame.get("room"))]))
        elif kind == "error" and frame.get("code") == "unrecoverable_position":
            if self.positions.overtaken(str(frame.get("stream"))):
                received.outgoing.extend(self._resumption())
            received.events.append(frame)
            return
        self._deliver(frame, received)

    def _deliver(self, frame: Frame, received: Received) -> None:
        if self.shedding and not is_snapshot(frame) and frame.get("type") not in ESSENTIAL:
            stream = stream_of(frame) if isinstance(frame.get("offset"), int) else None
            self.shed += not (stream is not None and self.positions.skip(stream))
            return
        verdict = self.positions.judge(frame)
        if verdict is Verdict.DELIVER:
            received.events.append(frame)
        elif verdict is Verdict.RECOVER:
            received.outgoing.extend(self._resumption())

    # -- what is followed

    def _confirm(self, sent: Frame, confirmed: Frame) -> None:
        self.following.subscribed(sent, confirmed)
        self.positions.confirm(confirmed.get("positions") or {})
        self.positions.recovery_ended(sent.get("recover") or ())

    def _forget(self, streams: Iterable[str]) -> None:
        for stream in streams:
            self.positions.forget(stream)

    def _resumption(self) -> Iterable[Frame]:
        frame = self.resume()
        if frame is not None:
            yield frame
            yield from map(self._issue, self.following.corrections())

    def _follow_rooms(self, slugs: Iterable[str]) -> list[Frame]:
        rooms = self.following.new_rooms(slugs)
        return self._issued(
            {"action": "subscribe", "rooms": rooms, "join": False} if rooms else None
        )

    def _issued(self, fields: Frame | None) -> list[Frame]:
        return [] if fields is None else [self._issue(fields)]

    def _issue(self, fields: Frame) -> Frame:
        """Assign an id to a command of the session's own."""
        self._next_id += 1
        frame = {"action": "subscribe", **fields, "id": f"{RESUME_PREFIX}{self._next_id}"}
        self._own[frame["id"]] = frame
        return frame


def error_of(frame: Frame) -> CommandError | None:
    """Return the exception of a reply, or None when the command succeeded."""
    return CommandError.from_frame(frame) if frame.get("type") == "error" else None


def _card_updates(reply: Frame) -> list[Frame]:
    """Return the states in the reply to `watch_cards` as the pushes that a change would send."""
    cards: list[dict[str, Any]] = reply.get("cards") or []
    return [{"type": "card_update", **card} for card in cards if card.get("state") is not None]


def _acknowledge(heartbeat: Frame) -> Frame:
    acknowledgement: Frame = {"action": "heartbeat_ack"}
    if "timestamp" in heartbeat:
        acknowledgement["timestamp"] = heartbeat["timestamp"]
    return acknowledgement
