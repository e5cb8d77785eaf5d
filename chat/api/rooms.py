"""REST: rooms, who is in them, how far one has read."""

from __future__ import annotations

from typing import Any

from rest_framework.response import Response

from accounts.requests import WorkspaceRequest
from chat import selectors, services
from chat.api.base import ChatAPIView, body_of, document
from chat.models import Membership
from chat.serializers import (
    AddMemberSerializer,
    CreateRoomSerializer,
    MemberSerializer,
    ReadSerializer,
    UpdateMemberSerializer,
    UpdateRoomSerializer,
)
from realtime.auth import Principal
from realtime.errors import InvalidCommand
from realtime.streams.unit_of_work import unit_of_work


class RoomListView(ChatAPIView):
    """GET: the rooms that one may read (`joined=1`: one's own, `joined=0`: the others).

    POST: make a public or private room, or open the direct one with a person.
    """

    def get(self, request: WorkspaceRequest) -> Response:
        joined = {"1": True, "0": False}.get(request.query_params.get("joined", ""))
        return Response(document(selectors.room_summaries(request.principal, joined=joined)))

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

    def get(self, request: WorkspaceRequest, slug: str) -> Response:
        return Response(document(selectors.room_summary(request.principal, slug)))

    def patch(self, request: WorkspaceRequest, slug: str) -> Response:
        fields = body_of(request, UpdateRoomSerializer)
        principal = request.principal
        notify, archived = fields.pop("notify", None), fields.pop("archived", None)
        # All of the changes or none.
        with unit_of_work():
            if notify is not None:
                services.set_notification_level(principal=principal, room=slug, level=notify)
            if fields:
                services.update_room(principal=principal, room=slug, **fields)
            if archived is not None:
                services.archive_room(principal=principal, room=slug, archived=archived)
        return Response(document(selectors.room_summary(principal, slug)))

    def delete(self, request: WorkspaceRequest, slug: str) -> Response:
        services.delete_room(principal=request.principal, room=slug)
        return Response(status=204)


class MemberListView(ChatAPIView):
    """GET: the members, and who of them is connected. POST: bring somebody in, or join.

    PATCH and DELETE name the member by `user_id` in the body.
    """

    def get(self, request: WorkspaceRequest, slug: str) -> Response:
        return Response(document(selectors.member_list(request.principal, slug).data))

    def post(self, request: WorkspaceRequest, slug: str) -> Response:
        fields = body_of(request, AddMemberSerializer)
        if fields.get("user_id", request.principal.user_id) == request.principal.user_id:
            membership = services.join_room(principal=request.principal, room=slug)
        else:
            membership = services.add_member(principal=request.principal, room=slug, **fields)
        return Response(_member(membership), status=201)

    def patch(self, request: WorkspaceRequest, slug: str) -> Response:
        user_id = body_of(request, _Named)["user_id"]
        return _change(request.principal, slug, user_id, body_of(request, UpdateMemberSerializer))

    def delete(self, request: WorkspaceRequest, slug: str) -> Response:
        user_id = body_of(request, MemberSerializer)["user_id"]
        services.remove_member(principal=request.principal, room=slug, user_id=user_id)
        return Response(status=204)


class MemberView(ChatAPIView):
    """PATCH: another role, or muted until a time (null: no longer). DELETE: put out, or leave."""

    def patch(self, request: WorkspaceRequest, slug: str, user_id: int) -> Response:
        return _change(request.principal, slug, user_id, body_of(request, UpdateMemberSerializer))

    def delete(self, request: WorkspaceRequest, slug: str, user_id: int) -> Response:
        services.remove_member(principal=request.principal, room=slug, user_id=user_id)
        return Response(status=204)


class ReadView(ChatAPIView):
    """POST: one has read up to a sequence."""

    def post(self, request: WorkspaceRequest, slug: str) -> Response:
        sequence = body_of(request, ReadSerializer)["sequence"]
        state = services.mark_read(principal=request.principal, room=slug, sequence=sequence)
        return Response({"room": slug, **_fields(state)})


class _Named(UpdateMemberSerializer):
    """As UpdateMemberSerializer, where the path does not say of whom."""

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields["user_id"].required = True
        return fields


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
