"""What a new installation starts with: the metrics of requirement D2 and their sources."""

from __future__ import annotations

from django.conf import settings

from accounts.models import Workspace
from accounts.prepare import WORKSPACE_SLUG
from dashboard import services
from dashboard.source_kinds import kinds
from realtime.prepare import register


@register
def prepare_main_workspace() -> None:
    """Give workspace `main` every metric, and a source of each kind where it has none by its name.

    The simulator comes only with a demo (PITWALL_DEMO): elsewhere custom metrics wait for real
    sensors or programs that push.
    """
    workspace = Workspace.objects.filter(slug=WORKSPACE_SLUG).first()
    if workspace is None:
        return
    for kind in kinds():
        if kind.simulated and not settings.PITWALL_DEMO:
            services.provide_metrics(workspace_id=workspace.pk, kind=kind.name)
        else:
            services.create_source(workspace_id=workspace.pk, name=kind.name, kind=kind.name)
