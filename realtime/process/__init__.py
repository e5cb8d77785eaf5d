"""A process itself: the numbers and the load that it reports, and the loops that it runs."""
