"""Names and addresses get their folded form; of those that fold alike the first one keeps its name.

Until now the database folded by rules of its own: SQLite knows the capitals of ASCII alone, so that
`Ольга` and `ольга` could both exist. The others get a number, and lose an address that somebody else
has. Both are told and are in the audit log.
"""

import logging

from django.db import migrations

import accounts.fields
from accounts.folding import fold

logger = logging.getLogger(__name__)
CHUNK = 500


def fill(apps, schema_editor):
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias)
    audit = apps.get_model("accounts", "AuditEntry").objects.using(schema_editor.connection.alias)
    rows = list(users.only("pk", "username", "email", "is_active").order_by("pk"))
    names, addresses = {fold(row.username)[:450] for row in rows}, set()
    taken = set()
    # Who can sign in goes before who cannot.
    for row in sorted(rows, key=lambda row: (not row.is_active, row.pk)):
        changes = {}
        row.folded = fold(row.username)[:450]
        if row.folded in taken:
            old, row.username = row.username, _free(row.username, names)
            row.folded = fold(row.username)[:450]
            changes["username"] = {"old": old, "new": row.username}
        names.add(row.folded)
        taken.add(row.folded)
        row.folded_email = fold(row.email)[:762]
        if row.folded_email and row.folded_email in addresses:
            changes["email"] = {"old": row.email, "new": ""}
            row.email = row.folded_email = ""
        addresses.add(row.folded_email)
        if changes:
            logger.warning("User %s has a name or an address of somebody else: %s", row.pk, changes)
            audit.create(
                action="change_user",
                target_kind="accounts.user",
                target_id=str(row.pk),
                target_name=row.username,
                details=changes,
            )
    users.bulk_update(rows, ["username", "email", "folded", "folded_email"], batch_size=CHUNK)


def _free(name, names):
    number = 2
    while fold(free := f"{name[:140]}-{number}")[:450] in names:
        number += 1
    return free


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_refresh_tokens")]

    operations = [
        migrations.AddField(
            "user",
            "folded",
            accounts.fields.FoldedCharField(
                default="", editable=False, max_length=450, source="username"
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "user",
            "folded_email",
            accounts.fields.FoldedCharField(
                blank=True, default="", editable=False, max_length=762, source="email"
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
