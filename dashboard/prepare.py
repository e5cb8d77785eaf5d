"""First metrics and sources of a new installation (requirement D2)."""

from __future__ import annotations

from django.conf import settings

from accounts.models import Workspace
from accounts.prepare import WORKSPACE_SLUG
from dashboard import services
from dashboard.source_kinds import kinds
from realtime.prepare import register


@register
def prepare_main_workspace() -> None:
    """Create every metric in workspace `main`, and a source of each kind, unless they exist.

    The simulator is created only in a demo (PITWALL_DEMO): elsewhere its metrics wait for real
    sensors or programs that push samples.
    """
    workspace = Workspace.objects.filter(slug=WORKSPACE_SLUG).first()
    if workspace is None:
        return
    for kind in kinds():
        if kind.simulated and not settings.PITWALL_DEMO:
            services.provide_metrics(workspace_id=workspace.pk, kind=kind.name)
        else:
            services.create_source(workspace_id=workspace.pk, name=kind.name, kind=kind.name)
