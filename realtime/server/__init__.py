"""uvicorn as Pitwall runs it: the raw write, the drain at the end, startup and shutdown."""
