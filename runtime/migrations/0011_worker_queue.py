"""Workers say when the queue failed them."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runtime", "0010_imported")]

    operations = [
        migrations.AddField(
            model_name="worker",
            name="queue",
            field=models.TextField(
                default="", help_text="Why the queue failed it a short while ago, if it did."
            ),
        ),
    ]
