"""Background workers: loop, lease, pace, the inbox that brings them commands, retention."""
