from django.db import migrations


class Migration(migrations.Migration):
    """A new name in Python alone: the table keeps its own, and nothing in it changes."""

    dependencies = [("realtime", "0006_inbox")]

    operations = [
        migrations.AlterModelTable(name="Event", table="realtime_event"),
        migrations.RenameModel(old_name="Event", new_name="LoggedEvent"),
    ]
