"""RestView: the base of every view below /api/v1/."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from realtime.http import rate_limits


class RestView(APIView):
    """Tells the client on every answer how far it is from the rate limits."""

    _asked: list[BaseThrottle] | None = None

    def get_throttles(self) -> list[BaseThrottle]:
        """Return the throttles, which later say what is left."""
        self._asked = super().get_throttles()
        return self._asked

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        for name, value in rate_limits.fields(self._standings(request)).items():
            answer[name] = value
        return answer

    def _standings(self, request: Request) -> list[rate_limits.Standing]:
        if self._asked is None:
            # Refused before the limits were checked, for example without credentials.
            for throttle in self.get_throttles():
                _look(throttle, request, self)
        found = [rate_limits.standing_of(throttle) for throttle in self._asked or ()]
        return [each for each in found if each is not None]


def _look(throttle: BaseThrottle, request: Request, view: RestView) -> None:
    try:
        rate_limits.look(throttle, request, view)
    except APIException:
        # Bad credentials that nobody had looked at yet: from now on the request is anonymous.
        rate_limits.look(throttle, request, view)
