"""Validation of REST request bodies that applies to every endpoint.

Separate from realtime.http.problems: the settings name the parser, and views need the settings.
"""

from __future__ import annotations

import json
from typing import Any

from rest_framework import exceptions, serializers
from rest_framework.parsers import JSONParser

# The largest id that a database column holds.
MAX_ID = 2**63 - 1


class StrictJSONParser(JSONParser):
    """Parses JSON; refuses text that cannot be encoded again, in a column or in an error."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            document = super().parse(stream, media_type, parser_context)
            # An escape can produce half a surrogate pair, which cannot be encoded.
            json.dumps(document, ensure_ascii=False).encode()
        except RecursionError as error:
            raise exceptions.ParseError("The body is nested too deep.") from error
        except UnicodeEncodeError as error:
            raise exceptions.ParseError("The body holds half a surrogate pair.") from error
        return document


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields: a misspelt one would otherwise be ignored silently."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = set(data) - set(self.fields) if isinstance(data, dict) else set()
        if unknown:
            reason = ["This field is unknown."]
            raise exceptions.ValidationError({str(name): reason for name in unknown})
        return super().to_internal_value(data)
