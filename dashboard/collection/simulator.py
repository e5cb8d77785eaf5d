"""Made-up readings of a room, for a first look without sensors; their series say `simulated`.

The model: a daily curve plus an Ornstein-Uhlenbeck process X (mean-reverting noise; half-life and
standard deviation given), advanced by its exact solution over the time elapsed, so that it does
not depend on the interval:

    X(t + d) = X(t) * a + sd * sqrt(1 - a^2) * N(0, 1),   a = 2^(-d / half-life)

- temperature, °C: 21.5, warmest at 15 h UTC by 2.5; X: sd 0.6, half-life 20 min.
- humidity, %: 48, falling 2.2 for each degree of temperature; X: sd 1.5, half-life 15 min; kept
  within 5 to 95.
- pressure, hPa: 1013.2, twice-daily tide of 0.6; X: sd 6, half-life 18 h.

Equal seeds and times give equal readings.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from django.utils.translation import gettext_lazy as _

from dashboard.source_kinds import Kind, MetricSpec, Readings, SourceFacts, register

DAY = 86_400
HOUR = 3_600

METRICS = (
    MetricSpec("temperature", "Temperature", "custom", "°C"),
    MetricSpec("humidity", "Humidity", "custom", "%"),
    MetricSpec("pressure", "Pressure", "custom", "hPa"),
)


@dataclass
class OrnsteinUhlenbeck:
    """Mean-reverting noise around 0: deviation in the value's unit, half-life in seconds."""

    deviation: float
    half_life: float
    noise: random.Random
    value: float = field(init=False)

    def __post_init__(self) -> None:
        self.value = self.noise.gauss(0, self.deviation)

    def advance(self, seconds: float) -> float:
        kept = 2 ** (-seconds / self.half_life)
        spread = self.deviation * math.sqrt(1 - kept * kept)
        self.value = self.value * kept + self.noise.gauss(0, spread)
        return self.value


class RoomSimulator:
    """Simulates the three readings, at times that do not go back; the module has the model."""

    def __init__(self, seed: int | str) -> None:
        noise = random.Random(seed)
        self._temperature = OrnsteinUhlenbeck(0.6, 20 * 60, noise)
        self._humidity = OrnsteinUhlenbeck(1.5, 15 * 60, noise)
        self._pressure = OrnsteinUhlenbeck(6, 18 * HOUR, noise)
        self._at: float | None = None

    def collect(self, at: float) -> Readings:
        passed = 0.0 if self._at is None else max(0.0, at - self._at)
        self._at = at
        warmth = 2.5 * _wave(at, peak=15 * HOUR, period=DAY) + self._temperature.advance(passed)
        humidity = 48 - 2.2 * warmth + self._humidity.advance(passed)
        tide = 0.6 * _wave(at, peak=10 * HOUR, period=DAY / 2)
        return {
            "temperature": round(21.5 + warmth, 3),
            "humidity": round(min(95.0, max(5.0, humidity)), 3),
            "pressure": round(1013.2 + tide + self._pressure.advance(passed), 3),
        }


def _wave(at: float, *, peak: float, period: float) -> float:
    return math.cos(2 * math.pi * (at - peak) / period)


def _make(facts: SourceFacts) -> RoomSimulator:
    return RoomSimulator(facts.source_id)


register(Kind("simulator", _("Simulated room"), METRICS, _make, simulated=True))
