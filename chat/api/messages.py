"""REST API of messages, their revisions, reactions and pins, and of message search."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework.response import Response

from accounts.login.requests import WorkspaceRequest
from chat import selectors, services
from chat.api import documents
from chat.api.base import ChatAPIView, address, body_of, document, page, query_of
from chat.api.serializers import (
    DeleteMessageSerializer,
    EditMessageSerializer,
    PageSerializer,
    PreviewSerializer,
    ReactionSerializer,
    SearchSerializer,
    SendMessageSerializer,
)
from chat.protocol import SentView
from chat.protocol.views import MessageView as MessageDocument
from chat.protocol.views import ReactionView
from realtime.http.openapi import operation
from realtime.protocol import rfc3339

SENT_BEFORE = "It was there already, under the same `client_message_id`."
HELLO = OpenApiExample(
    "A message that can be sent again without harm",
    value={"text": "Box this lap", "client_message_id": "7f0c1b7e"},
    request_only=True,
)


class MessageListView(ChatAPIView):
    """GET: messages by sequence, oldest first; `previous` links to older ones. POST: send one."""

    @operation(
        "list_messages",
        "The messages of a room by sequence, oldest first",
        query=PageSerializer,
        answers={200: documents.MessagePage},
    )
    def get(self, request: WorkspaceRequest, slug: str) -> Response:
        wanted = query_of(request, PageSerializer).validated_data
        found = selectors.history(request.principal, slug, **wanted)
        first = found.data[0].sequence if found.data else wanted.get("after", 0) + 1
        last = found.data[-1].sequence if found.data else wanted.get("before", 1) - 1
        older = address(request, before=first, after=None, around=None)
        newer = address(request, after=last, before=None, around=None)
        return Response(
            page(
                document(found.data),
                next_=newer if found.has_after else None,
                previous=older if found.has_before else None,
            )
        )

    @operation(
        "send_message",
        "Write a message",
        body=SendMessageSerializer,
        answers={201: SentView, 200: OpenApiResponse(SentView, SENT_BEFORE)},
        refuses=(409,),
        examples=[HELLO],
    )
    def post(self, request: WorkspaceRequest, slug: str) -> Response:
        fields = body_of(request, SendMessageSerializer)
        sent = services.send_message(principal=request.principal, room=slug, **fields)
        return Response(document(sent.view(SentView)), status=200 if sent.duplicate else 201)


class PreviewView(ChatAPIView):
    """POST: render a text as a message. Nothing is stored."""

    @operation(
        "preview_message",
        "How a text would look as a message",
        body=PreviewSerializer,
        answers={200: documents.RenderedText},
    )
    def post(self, request: WorkspaceRequest) -> Response:
        text = body_of(request, PreviewSerializer)["text"]
        return Response({"html": services.preview_message(principal=request.principal, text=text)})


class MessageView(ChatAPIView):
    """GET, PATCH (new text) and DELETE a message."""

    @operation("get_message", "One message", answers={200: MessageDocument})
    def get(self, request: WorkspaceRequest, message_id: int) -> Response:
        return Response(_message(request, message_id))

    @operation(
        "edit_message",
        "Give one's own message another text",
        body=EditMessageSerializer,
        answers={200: MessageDocument},
        refuses=(409,),
    )
    def patch(self, request: WorkspaceRequest, message_id: int) -> Response:
        fields = body_of(request, EditMessageSerializer)
        services.edit_message(principal=request.principal, message_id=message_id, **fields)
        return Response(_message(request, message_id))

    @operation(
        "delete_message", "Delete a message", body=DeleteMessageSerializer, answers={204: None}
    )
    def delete(self, request: WorkspaceRequest, message_id: int) -> Response:
        fields = body_of(request, DeleteMessageSerializer)
        services.delete_message(principal=request.principal, message_id=message_id, **fields)
        return Response(status=204)


class RevisionListView(ChatAPIView):
    """GET: the earlier texts of an edited message, oldest first."""

    @operation(
        "list_revisions",
        "What a message said before it was edited, oldest first",
        answers={200: list[documents.RevisionView]},
    )
    def get(self, request: WorkspaceRequest, message_id: int) -> Response:
        message, _place = selectors.find_message(request.principal, message_id)
        return Response(
            [
                {
                    "number": revision.number,
                    "text": revision.text,
                    "replaced_at": rfc3339(revision.replaced_at),
                }
                for revision in selectors.revisions(message)
            ]
        )


class ReactionListView(ChatAPIView):
    """GET: the reactions to a message. POST and DELETE: add and remove the user's `emoji`."""

    @operation("list_reactions", "The reactions to a message", answers={200: list[ReactionView]})
    def get(self, request: WorkspaceRequest, message_id: int) -> Response:
        return Response(_message(request, message_id)["reactions"])

    @operation(
        "add_reaction",
        "React to a message",
        body=ReactionSerializer,
        answers={200: list[ReactionView]},
        refuses=(409,),
    )
    def post(self, request: WorkspaceRequest, message_id: int) -> Response:
        return self._set(request, message_id, on=True)

    @operation(
        "remove_reaction",
        "Take one's reaction back",
        body=ReactionSerializer,
        answers={200: list[ReactionView]},
        refuses=(409,),
    )
    def delete(self, request: WorkspaceRequest, message_id: int) -> Response:
        return self._set(request, message_id, on=False)

    def _set(self, request: WorkspaceRequest, message_id: int, *, on: bool) -> Response:
        emoji = body_of(request, ReactionSerializer)["emoji"]
        services.set_reaction(
            principal=request.principal, message_id=message_id, emoji=emoji, on=on
        )
        return Response(_message(request, message_id)["reactions"])


class PinView(ChatAPIView):
    """POST: pin a message to its room. DELETE: unpin it."""

    @operation(
        "pin_message", "Pin a message to its room", answers={200: MessageDocument}, refuses=(409,)
    )
    def post(self, request: WorkspaceRequest, message_id: int) -> Response:
        services.set_pin(principal=request.principal, message_id=message_id, on=True)
        return Response(_message(request, message_id))

    @operation("unpin_message", "Unpin a message", answers={204: None}, refuses=(409,))
    def delete(self, request: WorkspaceRequest, message_id: int) -> Response:
        services.set_pin(principal=request.principal, message_id=message_id, on=False)
        return Response(status=204)


class PinListView(ChatAPIView):
    """GET: the pinned messages of a room, newest pin first."""

    @operation(
        "list_pins",
        "The pinned messages of a room, the newest pin first",
        answers={200: list[MessageDocument]},
    )
    def get(self, request: WorkspaceRequest, slug: str) -> Response:
        return Response(document(selectors.pinned_messages(request.principal, slug)))


class SearchView(ChatAPIView):
    """GET: messages that match `q`, newest first, each with an `excerpt` and its matches."""

    @operation(
        "search_messages",
        "Find messages, newest first",
        query=SearchSerializer,
        answers={200: documents.FoundPage},
    )
    def get(self, request: WorkspaceRequest) -> Response:
        wanted = query_of(request, SearchSerializer)
        found = selectors.search_messages(
            request.principal,
            wanted.query(),
            cursor=wanted.validated_data.get("cursor"),
            limit=wanted.validated_data["limit"],
        )
        results = [
            document(hit.message)
            | {"excerpt": {"text": hit.excerpt.text, "ranges": hit.excerpt.ranges}}
            for hit in found.hits
        ]
        more = None if found.cursor is None else address(request, cursor=found.cursor)
        return Response(page(results, next_=more))


def _message(request: WorkspaceRequest, message_id: int) -> Any:
    message, place = selectors.find_message(request.principal, message_id)
    return document(selectors.message_views([message], place.room))[0]
