from django.db import migrations

BATCH = 1000


def move(apps, schema_editor):
    """Move the recorded deletions to the audit log, with their original times."""
    entries = apps.get_model("accounts", "AuditEntry").objects
    records = apps.get_model("chat", "DeletionRecord").objects.select_related(
        "room", "author", "deleted_by"
    )
    batch = []
    for record in records.order_by("pk").iterator(chunk_size=BATCH):
        batch.append(
            entries.model(
                at=record.deleted_at,
                workspace_id=record.room.workspace_id,
                staff_only=record.room.kind != "public",
                actor_id=record.deleted_by_id,
                actor_name=record.deleted_by.username,
                action="delete_message",
                target_kind="chat.message",
                target_id=str(record.message_id or ""),
                target_name=f"{record.room.slug} #{record.sequence}",
                details={
                    "room": record.room.slug,
                    "sequence": record.sequence,
                    "author_id": record.author_id,
                    "author": record.author.username if record.author else "Pitwall",
                    "reason": record.reason,
                },
            )
        )
        if len(batch) == BATCH:
            entries.bulk_create(batch)
            batch = []
    entries.bulk_create(batch)


class Migration(migrations.Migration):
    dependencies = [("chat", "0003_system_messages"), ("accounts", "0002_audit")]

    operations = [
        migrations.RunPython(move, migrations.RunPython.noop),
        migrations.DeleteModel(name="DeletionRecord"),
    ]
