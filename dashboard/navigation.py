"""Navigation entries of this app."""

from django.utils.translation import gettext_lazy as _

from accounts.policy import Action
from accounts.shell import Page, may, register

register(
    Page(
        "dashboards",
        _("Dashboards"),
        url_name="dashboard:page",
        icon="layout-dashboard",
        order=10,
        access=may(Action.VIEW_DASHBOARDS),
    )
)
