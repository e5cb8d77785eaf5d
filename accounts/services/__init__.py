"""Every change to users, members, sessions and keys; each is one transaction.

What ends access also closes the sockets that hold it, on commit and on every process.
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
from accounts.services.sessions import (
    end_other_sessions,
    end_session,
    keep_session,
    record_session,
    record_use,
    touch,
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
    "add_member",
    "change_password",
    "change_role",
    "create_token",
    "create_workspace",
    "deactivate_user",
    "end_other_sessions",
    "end_session",
    "issue_ticket",
    "keep_session",
    "make_default",
    "record_session",
    "record_use",
    "redeem_ticket",
    "remove_member",
    "rename_workspace",
    "revoke_token",
    "save_user",
    "touch",
    "update_profile",
    "user_renamed",
]
