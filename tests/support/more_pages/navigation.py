"""Pages for alerts with a second level, exchange, and jobs."""

from accounts.policy import Action
from accounts.shell import Badge, Count, Page, Tone, may, register, workspace_admins
from realtime.auth import Principal

FIRING = 3


def firing(_principal: Principal) -> Count:
    return Count(FIRING, Tone.CRITICAL)


ALERTS = Badge("alerts", "firing", firing)
PAGES = (
    Page("jobs", "Jobs", "more:jobs", icon="file-chart-column-increasing", order=60),
    Page("alerts", "Alerts", "more:alerts", icon="siren", order=20, badge=ALERTS),
    Page("exchange", "Exchange", "more:exchange", icon="chart-candlestick", order=30),
    Page("alerts-active", "Active", "more:alerts", order=10, badge=ALERTS, parent="alerts"),
    Page("silences", "Silences", "more:silences", order=60, parent="alerts"),
    Page("history", "History", "more:history", order=20, parent="alerts", has_columns=True),
    Page("rules", "Rules", "more:rules", order=30, parent="alerts"),
    Page(
        "sources",
        "Sources",
        "more:sources",
        order=40,
        parent="alerts",
        access=may(Action.MANAGE_METRICS),
    ),
    Page(
        "routes",
        "Who is told",
        "more:routes",
        order=50,
        parent="alerts",
        access=workspace_admins,
    ),
)


def register_all() -> None:
    register(*PAGES)
