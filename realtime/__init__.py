"""What every app of Pitwall shares: streams, sockets, workers. Knows no domain."""
