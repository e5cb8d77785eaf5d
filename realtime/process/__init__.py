"""What a process knows of itself and reports: numbers, load, and the loops that it runs."""
