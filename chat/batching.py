"""Messages that wait together are stored together, of any rooms (realtime.database.batching)."""

from __future__ import annotations

from chat.services import Draft, Sent, post_drafts
from realtime.database.batching import Batcher

poster: Batcher[Draft, Sent] = Batcher(post_drafts)
