"""The streams of rooms: their keys, what passes beside the log, what ends or empties it."""
