"""Fields that every app's serializers share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers


class InstantField(serializers.DateTimeField):
    """A time as RFC 3339 writes it: T and Z may be small letters."""

    def to_internal_value(self, value: Any) -> datetime:
        return super().to_internal_value(value.upper() if isinstance(value, str) else value)
