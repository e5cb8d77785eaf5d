from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_audit")]

    operations = [
        migrations.CreateModel(
            name="LoginTries",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("subject", models.CharField(max_length=80)),
                ("block", models.CharField(max_length=50)),
                ("tries", models.PositiveIntegerField(default=0)),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("signed_in_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "failed tries to sign in",
                "verbose_name_plural": "failed tries to sign in",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("subject", "block"), name="accounts_logintries_once_per_block"
                    )
                ],
            },
        ),
    ]
