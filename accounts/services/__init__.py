"""Changes to users, members, sessions and credentials; each is one transaction.

A change that ends access also closes the affected sockets, on commit and on every process.
"""

from accounts.services.keys import (
    IssuedTicket,
    create_token,
    issue_ticket,
    redeem_ticket,
    revoke_token,
)
from accounts.services.members import (
    add_member,
    change_role,
    create_workspace,
    make_default,
    remove_member,
    rename_workspace,
)
from accounts.services.refresh_tokens import (
    end_refresh_token,
    record_refresh,
    record_refresh_token,
)
from accounts.services.sessions import (
    end_other_sessions,
    end_session,
    keep_session,
    record_session,
    record_use,
    touch,
)
from accounts.services.tries import (
    LockedOut,
    Try,
    clear_tries,
    count_request,
    delay_of,
    finish_try,
    reserve_try,
    return_try,
    subject_of_user,
)
from accounts.services.users import (
    change_password,
    deactivate_user,
    save_user,
    update_profile,
    user_renamed,
)

__all__ = [
    "IssuedTicket",
    "LockedOut",
    "Try",
    "add_member",
    "change_password",
    "change_role",
    "clear_tries",
    "count_request",
    "create_token",
    "create_workspace",
    "deactivate_user",
    "delay_of",
    "end_other_sessions",
    "end_refresh_token",
    "end_session",
    "finish_try",
    "issue_ticket",
    "keep_session",
    "make_default",
    "record_refresh",
    "record_refresh_token",
    "record_session",
    "record_use",
    "redeem_ticket",
    "remove_member",
    "rename_workspace",
    "reserve_try",
    "return_try",
    "revoke_token",
    "save_user",
    "subject_of_user",
    "touch",
    "update_profile",
    "user_renamed",
]
