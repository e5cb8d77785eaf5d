"""All WebSocket routes: those of each app, under /ws/."""

from chat.routing import websocket_urlpatterns as chat_patterns
from dashboard.routing import websocket_urlpatterns as dashboard_patterns
from notifications.routing import websocket_urlpatterns as notifications_patterns

websocket_urlpatterns = [*dashboard_patterns, *chat_patterns, *notifications_patterns]
