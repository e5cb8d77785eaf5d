"""Routes of accounts under /api/v1/."""

from django.urls import path

from accounts import api

urlpatterns = [
    path("token/", api.TokenView.as_view(), name="token"),
    path("token/refresh/", api.TokenRefreshView.as_view(), name="token-refresh"),
    path("ws-ticket/", api.WebSocketTicketView.as_view(), name="ws-ticket"),
    path("me/", api.MeView.as_view(), name="me"),
    path("audit/", api.AuditView.as_view(), name="audit"),
    path("users/", api.UserListView.as_view(), name="user-list"),
]
