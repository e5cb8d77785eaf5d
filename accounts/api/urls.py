"""Routes of accounts under /api/v1/."""

from django.urls import path

from accounts.api import tokens, views

urlpatterns = [
    path("token/", views.TokenView.as_view(), name="token"),
    path("token/refresh/", views.TokenRefreshView.as_view(), name="token-refresh"),
    path("tokens/", tokens.TokenListView.as_view(), name="token-list"),
    path("tokens/<int:token_id>/", tokens.TokenDetailView.as_view(), name="token-detail"),
    path("ws-ticket/", views.WebSocketTicketView.as_view(), name="ws-ticket"),
    path("me/", views.MeView.as_view(), name="me"),
    path("audit/", views.AuditView.as_view(), name="audit"),
    path("users/", views.UserListView.as_view(), name="user-list"),
]
