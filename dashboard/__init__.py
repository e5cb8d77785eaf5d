"""Live metrics: collected, pushed or simulated; stored with rollups; shown as they arrive."""
