"""Fills in the subject of existing notifications.

Until now only the `dedupe_key` of notifications about messages named it: "mention:<room>:<sequence>",
and "direct_message:<room>:<n>" or "room_message:<room>:<n>" with the first sequence that the user had
not read. For the latter two the link has the message's own sequence.
"""

import re

from django.db import migrations, transaction

CHUNK = 1000
KEY = re.compile(r"(?:mention|direct_message|room_message):(\d{1,18}):(\d{1,18})")
LINK = re.compile(r"/chat/[^/]+/\?message=(\d{1,18})")
COLUMNS = ["subject_kind", "subject_id", "subject_sequence"]


def fill(apps, schema_editor):
    notifications = apps.get_model("notifications", "Notification").objects.using(
        schema_editor.connection.alias
    )
    last = 0
    keyed = notifications.filter(subject_kind="").exclude(dedupe_key="").order_by("pk")
    while chunk := list(keyed.filter(pk__gt=last).only("dedupe_key", "link")[:CHUNK]):
        last = chunk[-1].pk
        told = [notification for notification in chunk if _find_subject(notification)]
        with transaction.atomic(using=schema_editor.connection.alias):
            notifications.bulk_update(told, COLUMNS, batch_size=CHUNK)


def _find_subject(notification):
    key = KEY.fullmatch(notification.dedupe_key)
    if key is None:
        return False
    link = LINK.fullmatch(notification.link)
    notification.subject_kind = "room"
    notification.subject_id = int(key[1])
    notification.subject_sequence = int(link[1] if link else key[2])
    return True


class Migration(migrations.Migration):
    # One transaction per chunk, so that writers can go on in between; a rerun skips filled rows.
    atomic = False

    dependencies = [("notifications", "0003_subject")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
