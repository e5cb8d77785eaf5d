"""Background workers: their loop, lease, pace and command inbox, and the retention worker."""
