"""The client's position in each log stream, so that no event is duplicated or lost. Pure."""

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
    """The positions of one client in all its log streams. They survive reconnects."""

    known: dict[str, Position] = field(default_factory=dict)
    _recovering: set[str] = field(default_factory=set)

    def judge(self, frame: Frame) -> Verdict:
        """Decide what to do with a pushed frame; advance the position if it is the next event.

        Frames without a stream and an offset are not part of a log and are always delivered.
        """
        stream, offset = frame.get("stream"), frame.get("offset")
        if stream is None and frame.get("type") in SNAPSHOT_STREAMS and "epoch" in frame:
            self._reset(SNAPSHOT_STREAMS[frame["type"]], frame)
            return Verdict.DELIVER
        if not isinstance(stream, str) or not isinstance(offset, int):
            return Verdict.DELIVER
        last = self.known.get(stream)
        if last is not None and frame.get("epoch") == last.epoch:
            if offset <= last.offset:
                return Verdict.DROP
            if offset > last.offset + 1:
                return self._gap(stream)
        elif last is not None:
            return self._gap(stream)
        self.known[stream] = Position(str(frame.get("epoch", "")), offset)
        return Verdict.DELIVER

    def behind(self, offsets: dict[str, int]) -> bool:
        """Tell whether a heartbeat's offsets show a gap that has not been requested yet."""
        missing = [
            stream
            for stream, offset in offsets.items()
            if stream in self.known and offset > self.known[stream].offset
        ]
        fresh = [stream for stream in missing if stream not in self._recovering]
        self._recovering.update(fresh)
        return bool(fresh)

    def confirm(self, positions: dict[str, Frame]) -> None:
        """Apply the positions of a `subscription_confirmed`.

        A recovered stream keeps the client's own position, since the missed events are still to
        come. Any other stream starts from the server's position.
        """
        for stream, confirmed in positions.items():
            last = self.known.get(stream)
            if not confirmed.get("recovered") or last is None:
                self._reset(stream, confirmed)
            self._recovering.discard(stream)

    def recover(self) -> dict[str, Any]:
        """Return the `recover` field of a subscription that resumes every known stream."""
        return {stream: position.as_json() for stream, position in sorted(self.known.items())}

    def recovery_ended(self) -> None:
        """Clear the pending recovery requests: they failed, or the connection ended."""
        self._recovering.clear()

    def forget(self, stream: str) -> None:
        """Stop following a stream."""
        self.known.pop(stream, None)
        self._recovering.discard(stream)

    def forget_all(self) -> None:
        """Forget all positions, so that no stream is resumed."""
        self.known.clear()
        self._recovering.clear()

    def _gap(self, stream: str) -> Verdict:
        if stream in self._recovering:
            return Verdict.DROP
        self._recovering.add(stream)
        return Verdict.RECOVER

    def _reset(self, stream: str, frame: Frame) -> None:
        self.known[stream] = Position(str(frame["epoch"]), int(frame["offset"]))
