"""REST views: a user's notifications, notifying others, and messages to connected users."""

from __future__ import annotations

from rest_framework.response import Response

from accounts.api.base import WorkspaceAPIView
from accounts.login.requests import WorkspaceRequest
from notifications import selectors, services
from notifications.api.serializers import (
    Marked,
    NotificationPage,
    NotificationSerializer,
    NotificationView,
    Notified,
    PageQuerySerializer,
    Pushed,
    PushSerializer,
)
from notifications.services import ReadResult
from realtime.http.openapi import PAGE_PARAMETERS, operation
from realtime.http.pages import NewestFirst


class NotificationListView(WorkspaceAPIView):
    """GET: the user's own notifications, paginated. POST: notify a member or an audience."""

    @operation(
        "list_notifications",
        "One's own notifications, newest first",
        query=PageQuerySerializer,
        answers={200: NotificationPage},
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: WorkspaceRequest) -> Response:
        query = PageQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        pages = NewestFirst()
        found = selectors.page(request.principal, **query.validated_data)
        page = pages.paginate_queryset(found, request, view=self) or []
        return pages.get_paginated_response([selectors.document(each) for each in page])

    @operation(
        "send_notification",
        "Tell a member or an audience something",
        body=NotificationSerializer,
        answers={201: Notified},
    )
    def post(self, request: WorkspaceRequest) -> Response:
        body = NotificationSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = services.send(principal=request.principal, **body.validated_data)
        return Response({"notified": len(made), "ids": [each.pk for each in made]}, status=201)


class NotificationDetailView(WorkspaceAPIView):
    """GET: one of the user's own notifications."""

    @operation(
        "get_notification", "One of one's own notifications", answers={200: NotificationView}
    )
    def get(self, request: WorkspaceRequest, notification_id: int) -> Response:
        return Response(selectors.document(selectors.one(request.principal, notification_id)))


class NotificationReadView(WorkspaceAPIView):
    """POST: mark one of the user's own notifications as read; repeating it is no error."""

    @operation("read_notification", "Mark a notification as read", answers={200: Marked})
    def post(self, request: WorkspaceRequest, notification_id: int) -> Response:
        return _read(
            services.mark_read(principal=request.principal, notification_ids=[notification_id])
        )


class NotificationReadAllView(WorkspaceAPIView):
    """POST: mark all of the user's own notifications in the workspace as read."""

    @operation("read_all_notifications", "Mark all notifications as read", answers={200: Marked})
    def post(self, request: WorkspaceRequest) -> Response:
        return _read(services.mark_read(principal=request.principal, notification_ids=None))


class UserPushView(WorkspaceAPIView):
    """POST: send a message to a member's open connections; 404 `not_connected` without any."""

    @operation(
        "push_message",
        "Send a message to the open pages of a member",
        body=PushSerializer,
        answers={200: Pushed},
    )
    def post(self, request: WorkspaceRequest, user_id: int) -> Response:
        body = PushSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.push_message(
            principal=request.principal, user_id=user_id, message=body.validated_data["message"]
        )
        return Response({"sent": True})


def _read(read: ReadResult) -> Response:
    return Response({"marked": len(read.ids), "unread_count": read.unread_count})
