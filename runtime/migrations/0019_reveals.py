"""Who had masked values of a call shown, append-only."""

from __future__ import annotations

import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def freeze(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    do = "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    if schema_editor.connection.vendor == "sqlite":
        do = "BEGIN SELECT RAISE(ABORT, 'the row is append-only'); END"
    schema_editor.execute(f"CREATE TRIGGER reveals_frozen BEFORE UPDATE ON reveals {do}")


class Migration(migrations.Migration):

    dependencies = [
        ('runtime', '0018_recovery'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reveal',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('tool_call_id', models.CharField(db_index=True, max_length=64)),
                ('approval_id', models.CharField(db_index=True, default='', help_text='Empty: on the page of the call.', max_length=64)),
                ('run_id', models.CharField(db_index=True, max_length=64)),
                ('thread_id', models.CharField(max_length=64)),
                ('tool_name', models.CharField(max_length=200)),
                ('revealed_by', models.CharField(max_length=200)),
                ('source', models.CharField(help_text='page, api, command or system', max_length=16)),
                ('address', models.CharField(default='', max_length=64)),
                ('revealed_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'db_table': 'reveals',
                'indexes': [models.Index(fields=['-revealed_at'], name='reveals_revealed'), models.Index(fields=['revealed_by'], name='reveals_revealed_by')],
            },
        ),
        migrations.RunPython(freeze, migrations.RunPython.noop),
    ]
