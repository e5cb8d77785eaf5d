"""API tokens, and single-use tickets for sockets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, keys, mail
from accounts.models import ApiToken, Membership, WebSocketTicket
from realtime import auth
from realtime.auth import Principal
from realtime.errors import Conflict, InvalidCommand, NotFound, RateLimited
from realtime.streams.unit_of_work import unit_of_work

CREATE_TOKEN = audit.action("create_token", gettext_lazy("API token created"))
REVOKE_TOKEN = audit.action("revoke_token", gettext_lazy("API token revoked"))
TICKET_LIFETIME = timedelta(seconds=60)
# Unused tickets of one user; each ends after its lifetime.
MAX_TICKETS = 500


@dataclass(frozen=True)
class IssuedTicket:
    """A ticket for its owner; `expires_in` is in seconds."""

    ticket: str = field(repr=False)
    expires_in: int


@unit_of_work
def create_token(
    *,
    user_id: int,
    workspace_id: int,
    name: str,
    expires_at: datetime | None = None,
    now: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Create a personal API token and return it with its secret, which cannot be read again.

    The owner is notified by mail.

    Raises:
        InvalidCommand: `expires_at` (aware) has passed.
        NotFound: the user is no member of the workspace.
        Conflict: the user has as many valid tokens as one may have.
    """
    if expires_at is not None and expires_at <= (now or timezone.now()):
        raise InvalidCommand(
            _("The token would be expired already."),
            errors={"expires_at": [_("Choose a later time.")]},
        )
    if not Membership.objects.filter(user_id=user_id, workspace_id=workspace_id).exists():
        raise NotFound(_("There is no such workspace."))
    most = settings.QUOTAS["tokens"]
    valid = Q(expires_at=None) | Q(expires_at__gt=now or timezone.now())
    if ApiToken.objects.filter(valid, user_id=user_id, revoked_at=None).count() >= most:
        raise Conflict(_("You have %(most)d tokens already: revoke one first.") % {"most": most})
    key = keys.new_api_token()
    token = ApiToken.objects.create(
        user_id=user_id,
        workspace_id=workspace_id,
        name=name,
        prefix=key.prefix,
        hash=key.hash,
        expires_at=expires_at,
    )
    details = {"owner": token.user.username, "expires_at": expires_at}
    audit.record(CREATE_TOKEN, token, workspace_id=workspace_id, details=details)
    mail.tell(token.user.email, "accounts/mail/token_created.txt", user=token.user, token=token)
    return token, key.plain


@unit_of_work
def revoke_token(*, token_id: int, user_id: int | None = None) -> None:
    """Revoke a token and close the sockets opened with it; revoking it again is no error.

    Args:
        user_id: only if the token is this user's.

    Raises:
        NotFound: there is no such token, or it is somebody else's.
    """
    tokens = ApiToken.objects.filter(pk=token_id)
    if user_id is not None:
        tokens = tokens.filter(user_id=user_id)
    token = tokens.select_related("user").first()
    if token is None:
        raise NotFound(_("There is no such token."))
    if tokens.filter(revoked_at=None).update(revoked_at=timezone.now()):
        WebSocketTicket.objects.filter(token_id=token_id).delete()
        auth.revoke(token_id=token_id)
        details = {"owner": token.user.username}
        audit.record(REVOKE_TOKEN, token, workspace_id=token.workspace_id, details=details)


@unit_of_work
def issue_ticket(*, principal: Principal, now: datetime | None = None) -> IssuedTicket:
    """Return a ticket with which a client can open one socket as `principal` within a minute.

    Raises:
        RateLimited: the user has many unused tickets.
    """
    now = now or timezone.now()
    WebSocketTicket.objects.filter(expires_at__lte=now).delete()
    if WebSocketTicket.objects.filter(user_id=principal.user_id).count() >= MAX_TICKETS:
        raise RateLimited(
            _("Too many of your tickets wait to be used."),
            retry_after=int(TICKET_LIFETIME.total_seconds()),
        )
    key = keys.new_ticket()
    WebSocketTicket.objects.create(
        hash=key.hash,
        user_id=principal.user_id,
        workspace_id=principal.workspace_id,
        session_id=principal.session_key,
        token_id=principal.token_id,
        refresh_id=principal.refresh_id,
        login_expires_at=_moment(principal.expires_at),
        expires_at=now + TICKET_LIFETIME,
    )
    return IssuedTicket(ticket=key.plain, expires_in=int(TICKET_LIFETIME.total_seconds()))


@unit_of_work
def redeem_ticket(*, ticket: str, now: datetime | None = None) -> WebSocketTicket | None:
    """Use up a ticket; None if it is unknown, used or expired.

    The caller checks whether its user is still allowed in.
    """
    row = (
        WebSocketTicket.objects.select_related("user", "workspace", "session", "token", "refresh")
        .filter(hash=keys.digest(ticket), expires_at__gt=now or timezone.now())
        .first()
    )
    if row is None:
        return None
    # The DELETE is the redemption: of two clients with the same ticket, one gets the row.
    deleted, _by_model = WebSocketTicket.objects.filter(pk=row.pk).delete()
    return row if deleted else None


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
