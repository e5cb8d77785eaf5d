"""Uploaded files: names, types by content, image sizes, storage."""
