"""The infrastructure that all apps of Pitwall share: streams, sockets, workers. Knows no domain."""
