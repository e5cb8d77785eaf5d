"""Batching of posts: messages waiting together are stored together, whatever their rooms."""

from __future__ import annotations

from chat.services import Draft, Sent, post_drafts
from realtime.database.batching import Batcher

poster: Batcher[Draft, Sent] = Batcher(post_drafts, user_of=lambda draft: draft.principal.user_id)
