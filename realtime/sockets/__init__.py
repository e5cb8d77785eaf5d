"""One WebSocket from its upgrade to its close: admission, limits, heartbeats, commands."""
