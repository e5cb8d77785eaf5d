from django.db import migrations, models
from django.db.models import Exists, OuterRef, Q


def mark_stated(apps, schema_editor):
    """Sources and administrators have stated theirs; what programs pushed has the default."""
    metric = apps.get_model("dashboard", "Metric")
    series = apps.get_model("dashboard", "Series")
    measured = Exists(series.objects.filter(metric=OuterRef("pk"), source__isnull=False))
    metric.objects.filter(~Q(group="custom") | ~Q(decimals=1) | measured).update(
        decimals_stated=True
    )


class Migration(migrations.Migration):
    dependencies = [("dashboard", "0002_created_by")]

    operations = [
        migrations.AddField(
            model_name="metric",
            name="decimals_stated",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.RunPython(mark_stated, migrations.RunPython.noop, elidable=True),
    ]
