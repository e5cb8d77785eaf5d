"""The client's position in each log stream, so that no event is duplicated or lost. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from .frames import Frame

# Snapshots that belong to a stream but do not name it.
SNAPSHOT_STREAMS = {"orders_snapshot": "orders", "initial_data": "notifications"}


class Verdict(Enum):
    """The decision about an event."""

    DELIVER = auto()
    DROP = auto()
    RECOVER = auto()  # drop it, and ask the server for the missing events


@dataclass(frozen=True)
class Position:
    """The last event seen in a stream: its offset within an epoch."""

    epoch: str
    offset: int

    def as_json(self) -> dict[str, Any]:
        """Return the position in the format of `recover`."""
        return {"epoch": self.epoch, "offset": self.offset}


@dataclass
class Positions:
    """The positions of one client in all its log streams. They survive reconnects.

    A confirmation or a snapshot begins a stream. Events of other streams are delivered as they
    come and are not tracked.
    """

    known: dict[str, Position] = field(default_factory=dict)
    # Streams whose missed events are on request: the reply decides where they go on.
    _recovering: set[str] = field(default_factory=set)
    # Streams whose events were not kept for lack of room, and are not on request yet.
    _skipped: set[str] = field(default_factory=set)

    def reconnected(self) -> None:
        """Await the reply to the resumption of every known stream.

        Until then a snapshot does not move a position. An endpoint that sends one on connect,
        before it has read the resumption, would otherwise cut off the events missed before it.
        """
        self._recovering = set(self.known)
        self._skipped.clear()

    def judge(self, frame: Frame) -> Verdict:
        """Decide what to do with a pushed frame; advance the position if it is the next event.

        Frames without a stream and an offset are not part of a log and are always delivered.
        Snapshots are always delivered too: they have the position that was just confirmed, not
        an offset of their own.
        """
        stream, offset = stream_of(frame), frame.get("offset")
        if stream is None or not isinstance(offset, int):
            return Verdict.DELIVER
        if is_snapshot(frame):
            if stream not in self._recovering:
                self._reset(stream, frame)
            return Verdict.DELIVER
        last = self.known.get(stream)
        if last is None:
            return Verdict.DELIVER
        if stream in self._skipped:
            return Verdict.DROP
        if frame.get("epoch") != last.epoch or offset > last.offset + 1:
            return self._gap(stream)
        if offset <= last.offset:
            return Verdict.DROP
        self.known[stream] = Position(last.epoch, offset)
        return Verdict.DELIVER

    def behind(self, offsets: dict[str, int]) -> bool:
        """Tell whether a heartbeat's offsets show a gap that has not been requested yet."""
        missing = {
            stream
            for stream, offset in offsets.items()
            if stream in self.known and offset > self.known[stream].offset
        }
        fresh = missing - self._recovering - self._skipped
        self._recovering |= fresh
        return bool(fresh)

    def overtaken(self, stream: str) -> bool:
        """Note that the server no longer has a stream's next events.

        Returns whether to ask for a snapshot: not if it has been requested already.
        """
        return stream in self.known and self._gap(stream) is Verdict.RECOVER

    def skip(self, stream: str) -> bool:
        """Keep no event of a stream until `catch_up`. Returns False if it is not tracked."""
        if stream in self.known:
            self._skipped.add(stream)
        return stream in self.known

    def catch_up(self) -> bool:
        """Prepare to request the events of all skipped streams. Returns False if there are none."""
        skipped, self._skipped = self._skipped, set()
        self._recovering |= skipped
        return bool(skipped)

    def confirm(self, positions: dict[str, Frame]) -> None:
        """Apply the positions of the reply to a subscription.

        A recovered stream keeps the client's own position, since the missed events are still to
        come. Any other stream starts from the server's position.
        """
        for stream, confirmed in positions.items():
            if not confirmed.get("recovered") or stream not in self.known:
                self._reset(stream, confirmed)
            self._recovering.discard(stream)

    def confirm_unasked(self, positions: dict[str, Frame]) -> None:
        """Apply the positions of a subscription that the server began by itself, on connect.

        Streams that are being resumed go on from where that resumption says.
        """
        self.confirm({s: at for s, at in positions.items() if s not in self._recovering})

    def recover(self) -> dict[str, Any]:
        """Return the `recover` field of a subscription that resumes every known stream."""
        return {stream: position.as_json() for stream, position in sorted(self.known.items())}

    def recovery_ended(self, streams: Iterable[str] | None = None) -> None:
        """Clear the pending recovery of these streams, or of all: it failed or was answered."""
        self._recovering.difference_update(self._recovering.copy() if streams is None else streams)

    def forget(self, stream: str) -> None:
        """Stop following a stream."""
        self.known.pop(stream, None)
        self._recovering.discard(stream)
        self._skipped.discard(stream)

    def forget_all(self) -> None:
        """Forget all positions, so that no stream is resumed."""
        self.known.clear()
        self._recovering.clear()
        self._skipped.clear()

    def _gap(self, stream: str) -> Verdict:
        if stream in self._recovering:
            return Verdict.DROP
        self._recovering.add(stream)
        return Verdict.RECOVER

    def _reset(self, stream: str, frame: Frame) -> None:
        self.known[stream] = Position(str(frame["epoch"]), int(frame["offset"]))
        self._skipped.discard(stream)


def stream_of(frame: Frame) -> str | None:
    """Return the log stream that a frame belongs to, or None."""
    stream = frame.get("stream", SNAPSHOT_STREAMS.get(str(frame.get("type"))))
    return stream if isinstance(stream, str) else None


def is_snapshot(frame: Frame) -> bool:
    """Tell whether a frame holds a whole state, which its epoch and offset date."""
    kind = str(frame.get("type"))
    return (kind in SNAPSHOT_STREAMS or kind.endswith("_snapshot")) and "epoch" in frame
