"""How many attempts a run has is the workspace's to say: the index of exhausted ones goes by the reason."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("runtime", "0017_token_acts")]

    operations = [
        migrations.RemoveIndex("run", "runs_exhausted"),
        migrations.AddIndex(
            "run",
            models.Index(
                fields=["updated_at"],
                name="runs_exhausted",
                condition=models.Q(state="failed", state_reason="too many attempts"),
            ),
        ),
    ]
