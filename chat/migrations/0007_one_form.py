"""Stored texts take the forms that are stored now.

Searches fold accents, quotes and what is not drawn, so the search column of every message is made
anew. Of one emoji in two forms, with and without U+FE0F, one stays; who reacted with both reacted
once.
"""

from django.db import migrations, transaction

from chat.search.excerpts import searchable
from chat.text.emoji import canonical

CHUNK = 500


def fold_again(apps, schema_editor):
    connection = schema_editor.connection
    messages = apps.get_model("chat", "Message").objects.using(connection.alias)
    last = 0
    texts = messages.exclude(text="").order_by("pk").values_list("pk", "text", "search_text")
    while chunk := list(texts.filter(pk__gt=last)[:CHUNK]):
        last = chunk[-1][0]
        anew = [(searchable(text), pk, text) for pk, text, _ in chunk]
        changed = [row for row, (_, _, before) in zip(anew, chunk, strict=True) if row[0] != before]
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.executemany(
                # Not of one that is edited or deleted meanwhile.
                "UPDATE chat_message SET search_text = %s WHERE id = %s AND text = %s",
                changed,
            )


def one_emoji(apps, schema_editor):
    connection = schema_editor.connection
    reactions = apps.get_model("chat", "Reaction").objects.using(connection.alias)
    used = set(reactions.order_by().values_list("emoji", flat=True).distinct())
    for old in sorted(used):
        new = canonical(old)
        if new is None or new == old:
            continue
        with transaction.atomic(using=connection.alias):
            for reaction in reactions.filter(emoji=old).order_by("pk").iterator(CHUNK):
                same = reactions.filter(
                    message_id=reaction.message_id, user_id=reaction.user_id, emoji=new
                )
                if same.exists():
                    reactions.filter(pk=reaction.pk).delete()
                else:
                    reactions.filter(pk=reaction.pk).update(emoji=new)


class Migration(migrations.Migration):
    # One transaction per chunk, so that writers can go on in between; a rerun skips what is done.
    atomic = False

    dependencies = [("chat", "0006_tombstones")]

    operations = [
        migrations.RunPython(fold_again, migrations.RunPython.noop),
        migrations.RunPython(one_emoji, migrations.RunPython.noop),
    ]
