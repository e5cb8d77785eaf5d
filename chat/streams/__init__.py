"""The streams of rooms: keys, transient events, presence, exits and retractions."""
