"""WebSocket routes; the trailing slash is optional."""

from django.urls import re_path

from chat.consumers.chat import ChatConsumer

websocket_urlpatterns = [re_path(r"^ws/chat/?$", ChatConsumer.as_asgi())]
