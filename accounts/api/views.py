"""REST: tokens, tickets, the signed-in user, the audit log, and the users of a workspace."""

from __future__ import annotations

from django.utils.translation import gettext as _
from msgspec import to_builtins
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import selectors, services
from accounts.api.base import WorkspaceAPIView
from accounts.api.serializers import (
    AccessToken,
    AuditEntrySerializer,
    AuditQuerySerializer,
    CredentialsSerializer,
    Me,
    Person,
    RefreshSerializer,
    Ticket,
    TokenPair,
    WorkspaceRole,
)
from accounts.login import jwt, passwords
from accounts.login.lockout import client_address
from accounts.login.requests import WorkspaceRequest
from realtime.errors import Unauthenticated
from realtime.http.openapi import PAGE_PARAMETERS, operation, page_of
from realtime.http.pages import NewestFirst
from realtime.http.views import RestView


class TokenView(RestView):
    """POST username and password: an access token (short) and a refresh token (long)."""

    authentication_classes = ()
    permission_classes = ()
    throttle_scope = "token"

    @operation(
        "obtain_token",
        "Get an access and a refresh token for a username and a password",
        body=CredentialsSerializer,
        answers={200: TokenPair},
        refuses=(401,),
    )
    def post(self, request: Request) -> Response:
        serializer = CredentialsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        address = client_address(request._request)
        user = passwords.sign_in(given["username"], given["password"], address)
        issued = jwt.issue(user, address=address, user_agent=_user_agent(request))
        return Response(
            to_builtins(
                TokenPair(
                    access=issued.access,
                    refresh=issued.refresh,
                    expires_in=issued.expires_in,
                    refresh_expires_in=issued.refresh_expires_in,
                )
            )
        )


class TokenRefreshView(RestView):
    """POST a refresh token: a new access token."""

    authentication_classes = ()
    permission_classes = ()
    throttle_scope = "token"

    @operation(
        "refresh_token",
        "Get another access token for a refresh token",
        body=RefreshSerializer,
        answers={200: AccessToken},
        refuses=(401,),
    )
    def post(self, request: Request) -> Response:
        serializer = RefreshSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        issued = jwt.refresh(
            serializer.validated_data["refresh"],
            address=client_address(request._request),
            user_agent=_user_agent(request),
        )
        if issued is None:
            raise Unauthenticated(_("The token is not valid, or not any more."))
        token = AccessToken(access=issued.access, expires_in=issued.expires_in)
        return Response(to_builtins(token))


class WebSocketTicketView(WorkspaceAPIView):
    """POST: a ticket that opens one socket in this workspace, valid for a minute."""

    throttle_scope = "ws-ticket"

    @operation("issue_ticket", "Get a ticket that opens one WebSocket", answers={201: Ticket})
    def post(self, request: WorkspaceRequest) -> Response:
        issued = services.issue_ticket(principal=request.principal)
        ticket = Ticket(ticket=issued.ticket, expires_in=issued.expires_in)
        return Response(to_builtins(ticket), status=201)


class MeView(WorkspaceAPIView):
    """GET: the user, their workspaces and roles, and the workspace this request is in."""

    @operation("get_me", "Who one is, and one's workspaces", answers={200: Me})
    def get(self, request: WorkspaceRequest) -> Response:
        memberships = selectors.memberships_of(request.user)
        if request.auth.token is not None:
            memberships = memberships.filter(workspace_id=request.auth.token.workspace_id)
        me = Me(
            id=request.user.pk,
            username=request.user.username,
            is_staff=request.user.is_staff,
            workspaces=[
                WorkspaceRole(slug=each.workspace.slug, name=each.workspace.name, role=each.role)
                for each in memberships
            ],
            workspace=request.principal.workspace,
        )
        return Response(to_builtins(me))


class UserListView(WorkspaceAPIView):
    """GET: the users of the workspace, by username; every member may list them."""

    @operation("list_users", "The people of the workspace", answers={200: list[Person]})
    def get(self, request: WorkspaceRequest) -> Response:
        people = selectors.people_of(request.principal.workspace_id)
        shown = [Person(id=p.pk, username=p.username, name=p.display_name) for p in people]
        return Response(to_builtins(shown))


class AuditView(WorkspaceAPIView):
    """GET: the audit entries of the workspace, newest first, in pages; for its admins."""

    @operation(
        "list_audit_entries",
        "What is on record of the workspace, newest first",
        query=AuditQuerySerializer,
        answers={200: page_of(AuditEntrySerializer)},
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: WorkspaceRequest) -> Response:
        query = AuditQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        pages = NewestFirst()
        entries = selectors.audit_entries(request.principal, **query.validated_data)
        page = pages.paginate_queryset(entries, request, view=self) or []
        return pages.get_paginated_response(AuditEntrySerializer(page, many=True).data)


def _user_agent(request: Request) -> str:
    return str(request.META.get("HTTP_USER_AGENT", ""))
