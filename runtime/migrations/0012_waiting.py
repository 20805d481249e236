"""A small index that counts the runs that wait for a person."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runtime", "0011_worker_queue")]

    operations = [
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("state", "waiting_for_approval")),
                fields=["resumable"],
                name="runs_waiting",
            ),
        ),
    ]
