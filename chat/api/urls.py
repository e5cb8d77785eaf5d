"""Routes of chat under /api/v1/."""

from django.urls import path

from chat.api import files, messages, rooms

urlpatterns = [
    path("rooms/", rooms.RoomListView.as_view(), name="room-list"),
    path("rooms/<str:slug>/", rooms.RoomView.as_view(), name="room"),
    path("rooms/<str:slug>/members/", rooms.MemberListView.as_view(), name="member-list"),
    path("rooms/<str:slug>/members/<int:user_id>/", rooms.MemberView.as_view(), name="member"),
    path(
        "rooms/<str:slug>/restrictions/",
        rooms.RestrictionListView.as_view(),
        name="restriction-list",
    ),
    path(
        "rooms/<str:slug>/restrictions/<int:user_id>/",
        rooms.RestrictionView.as_view(),
        name="restriction",
    ),
    path("rooms/<str:slug>/messages/", messages.MessageListView.as_view(), name="message-list"),
    path("rooms/<str:slug>/pins/", messages.PinListView.as_view(), name="pin-list"),
    path("rooms/<str:slug>/read/", rooms.ReadView.as_view(), name="room-read"),
    path("messages/preview/", messages.PreviewView.as_view(), name="message-preview"),
    path("messages/<int:message_id>/", messages.MessageView.as_view(), name="message"),
    path(
        "messages/<int:message_id>/reactions/",
        messages.ReactionListView.as_view(),
        name="reaction-list",
    ),
    path(
        "messages/<int:message_id>/revisions/",
        messages.RevisionListView.as_view(),
        name="revision-list",
    ),
    path("messages/<int:message_id>/pin/", messages.PinView.as_view(), name="message-pin"),
    path("search/messages/", messages.SearchView.as_view(), name="message-search"),
    path("attachments/", files.AttachmentListView.as_view(), name="attachment-list"),
    path("attachments/<int:attachment_id>/", files.AttachmentView.as_view(), name="attachment"),
]
