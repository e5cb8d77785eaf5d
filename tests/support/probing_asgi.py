"""The probe endpoint's application; it reports presence changes in a log stream."""

from realtime.presence import store
from realtime.presence.store import Change
from realtime.streams.log import StreamKey
from realtime.streams.unit_of_work import emit
from tests.realtime.endpoints import Note, application

__all__ = ["application"]


@store.listen
def tell(change: Change) -> None:
    seat = change.seat
    what = "came" if change.present else "left"
    key = StreamKey(seat.workspace_id, f"presence:{seat.scope}")
    emit(key, Note(text=f"{seat.user_id} {what}"))
