"""REST API of rooms, their members and read markers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.response import Response

from accounts.login.requests import WorkspaceRequest
from chat import selectors, services
from chat.api import documents
from chat.api.base import ChatAPIView, body_of, document
from chat.api.serializers import (
    AddMemberSerializer,
    CreateRoomSerializer,
    MemberSerializer,
    NamedMemberSerializer,
    ReadSerializer,
    UpdateMemberSerializer,
    UpdateRoomSerializer,
)
from chat.models import Membership
from chat.protocol.views import MemberView as MemberDocument
from chat.protocol.views import RestrictionView as RestrictionDocument
from chat.protocol.views import RoomSummary
from realtime.auth import Principal
from realtime.errors import InvalidCommand
from realtime.http.openapi import operation
from realtime.streams.unit_of_work import unit_of_work

JOINED = OpenApiParameter(
    "joined", str, enum=["0", "1"], description="1: those that one is in; 0: the others."
)
OPS = OpenApiExample(
    "A public room",
    value={"name": "Operations", "kind": "public", "topic": "What runs where"},
    request_only=True,
)
DIRECT = OpenApiExample(
    "A direct room", value={"kind": "direct", "username": "bob"}, request_only=True
)


class RoomListView(ChatAPIView):
    """GET: the rooms that the user may read (`joined=1`: the user's own, `joined=0`: the others).

    POST: create a public or private room, or open the direct room with a user.
    """

    @operation(
        "list_rooms",
        "The rooms that one may read",
        answers={200: list[RoomSummary]},
        parameters=[JOINED],
    )
    def get(self, request: WorkspaceRequest) -> Response:
        joined = {"1": True, "0": False}.get(request.query_params.get("joined", ""))
        return Response(document(selectors.room_summaries(request.principal, joined=joined)))

    @operation(
        "create_room",
        "Make a room, or open the direct one with a person",
        body=CreateRoomSerializer,
        answers={201: RoomSummary},
        refuses=(409,),
        examples=[OPS, DIRECT],
    )
    def post(self, request: WorkspaceRequest) -> Response:
        fields = body_of(request, CreateRoomSerializer)
        if fields["kind"] == "direct":
            del fields["kind"]
            room = services.open_direct_room(principal=request.principal, **fields)
        else:
            room = services.create_room(principal=request.principal, **fields)
        return Response(document(selectors.room_summary(request.principal, room.slug)), status=201)


class RoomView(ChatAPIView):
    """GET, PATCH, DELETE one room."""

    @operation("get_room", "One room", answers={200: RoomSummary})
    def get(self, request: WorkspaceRequest, slug: str) -> Response:
        return Response(document(selectors.room_summary(request.principal, slug)))

    @operation(
        "update_room",
        "Change a room, or of what in it one is told",
        body=UpdateRoomSerializer,
        answers={200: RoomSummary},
        refuses=(409,),
    )
    def patch(self, request: WorkspaceRequest, slug: str) -> Response:
        fields = body_of(request, UpdateRoomSerializer)
        principal = request.principal
        notify, archived = fields.pop("notify", None), fields.pop("archived", None)
        # All changes or none.
        with unit_of_work():
            if notify is not None:
                services.set_notification_level(principal=principal, room=slug, level=notify)
            if fields:
                services.update_room(principal=principal, room=slug, **fields)
            if archived is not None:
                services.archive_room(principal=principal, room=slug, archived=archived)
        return Response(document(selectors.room_summary(principal, slug)))

    @operation("delete_room", "Delete a room", answers={204: None}, refuses=(409,))
    def delete(self, request: WorkspaceRequest, slug: str) -> Response:
        services.delete_room(principal=request.principal, room=slug)
        return Response(status=204)


class MemberListView(ChatAPIView):
    """GET: the members, and which are connected. POST: add a member, or join.

    PATCH and DELETE take the member's `user_id` in the body.
    """

    @operation(
        "list_members",
        "Who is in a room, and who of them is connected",
        answers={200: list[MemberDocument]},
    )
    def get(self, request: WorkspaceRequest, slug: str) -> Response:
        return Response(document(selectors.member_list(request.principal, slug).data))

    @operation(
        "add_member",
        "Bring somebody into a room, or join it",
        body=AddMemberSerializer,
        answers={201: MemberDocument},
        refuses=(409,),
    )
    def post(self, request: WorkspaceRequest, slug: str) -> Response:
        fields = body_of(request, AddMemberSerializer)
        if fields.get("user_id", request.principal.user_id) == request.principal.user_id:
            membership = services.join_room(principal=request.principal, room=slug)
        else:
            membership = services.add_member(principal=request.principal, room=slug, **fields)
        return Response(_member(membership), status=201)

    @operation(
        "update_named_member",
        "Change a member who is named in the body",
        body=NamedMemberSerializer,
        answers={200: MemberDocument},
        refuses=(409,),
    )
    def patch(self, request: WorkspaceRequest, slug: str) -> Response:
        user_id = body_of(request, NamedMemberSerializer)["user_id"]
        return _change(request.principal, slug, user_id, body_of(request, UpdateMemberSerializer))

    @operation(
        "remove_named_member",
        "Put out a member who is named in the body, or leave",
        body=MemberSerializer,
        answers={204: None},
        refuses=(409,),
    )
    def delete(self, request: WorkspaceRequest, slug: str) -> Response:
        user_id = body_of(request, MemberSerializer)["user_id"]
        services.remove_member(principal=request.principal, room=slug, user_id=user_id)
        return Response(status=204)


class MemberView(ChatAPIView):
    """PATCH: change the role, or mute until a time (null: unmute). DELETE: remove, or leave."""

    @operation(
        "update_member",
        "Give a member another role, or mute them for a time",
        body=UpdateMemberSerializer,
        answers={200: MemberDocument},
        refuses=(409,),
    )
    def patch(self, request: WorkspaceRequest, slug: str, user_id: int) -> Response:
        return _change(request.principal, slug, user_id, body_of(request, UpdateMemberSerializer))

    @operation("remove_member", "Put a member out, or leave", answers={204: None}, refuses=(409,))
    def delete(self, request: WorkspaceRequest, slug: str, user_id: int) -> Response:
        services.remove_member(principal=request.principal, room=slug, user_id=user_id)
        return Response(status=204)


class RestrictionListView(ChatAPIView):
    """GET: what is kept of the moderation of users who are not members; for who manages them."""

    @operation(
        "list_restrictions",
        "Who was removed from a room, or left it muted or read-only",
        answers={200: list[RestrictionDocument]},
    )
    def get(self, request: WorkspaceRequest, slug: str) -> Response:
        return Response(document(selectors.restrictions(request.principal, slug)))


class RestrictionView(ChatAPIView):
    """DELETE: let a user join again, without an earlier mute or lower role."""

    @operation(
        "lift_restriction", "Let somebody join a room again", answers={204: None}, refuses=(409,)
    )
    def delete(self, request: WorkspaceRequest, slug: str, user_id: int) -> Response:
        services.lift_restriction(principal=request.principal, room=slug, user_id=user_id)
        return Response(status=204)


class ReadView(ChatAPIView):
    """POST: move the user's read marker to a sequence."""

    @operation(
        "mark_read",
        "Say how far one has read",
        body=ReadSerializer,
        answers={200: documents.ReadView},
        refuses=(409,),
    )
    def post(self, request: WorkspaceRequest, slug: str) -> Response:
        sequence = body_of(request, ReadSerializer)["sequence"]
        state = services.mark_read(principal=request.principal, room=slug, sequence=sequence)
        return Response({"room": slug, **_fields(state)})


def _change(principal: Principal, slug: str, user_id: int, fields: dict[str, Any]) -> Response:
    membership: Membership | None = None
    # Both changes or none.
    with unit_of_work():
        if "role" in fields:
            membership = services.change_role(
                principal=principal, room=slug, user_id=user_id, role=fields["role"]
            )
        if "muted_until" in fields:
            membership = services.mute_member(
                principal=principal, room=slug, user_id=user_id, until=fields["muted_until"]
            )
    if membership is None:
        selectors.find(principal, slug)
        raise InvalidCommand.field("role", "Give a role or muted_until.")
    return Response(_member(membership))


def _member(membership: Membership) -> Any:
    return document(selectors.member_view(membership))


def _fields(state: services.ReadState) -> dict[str, int]:
    return {"sequence": state.sequence, "unread": state.unread, "mentions": state.mentions}
