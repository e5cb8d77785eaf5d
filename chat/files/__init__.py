"""Uploaded files: names, types by content, pictures, the folder they are kept in."""
