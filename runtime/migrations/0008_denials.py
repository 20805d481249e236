"""Denials, append-only: a row is never changed; old ones are removed."""

from __future__ import annotations

import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def freeze(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    do = "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    if schema_editor.connection.vendor == "sqlite":
        do = "BEGIN SELECT RAISE(ABORT, 'the row is append-only'); END"
    schema_editor.execute(f"CREATE TRIGGER denials_frozen BEFORE UPDATE ON denials {do}")


class Migration(migrations.Migration):

    dependencies = [
        ('runtime', '0007_health'),
    ]

    operations = [
        migrations.CreateModel(
            name='Denial',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('denied_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('kind', models.CharField(help_text='person, service, or empty: nobody knows who.', max_length=16)),
                ('name', models.CharField(default='', max_length=200)),
                ('address', models.CharField(default='', max_length=64)),
                ('method', models.CharField(max_length=16)),
                ('path', models.CharField(max_length=300)),
                ('status', models.PositiveSmallIntegerField(help_text='Of the answer.')),
                ('reason', models.CharField(max_length=200)),
                ('left_out', models.PositiveIntegerField(default=0, help_text='Denials before this one that were too many to be kept.')),
            ],
            options={
                'db_table': 'denials',
                'indexes': [models.Index(fields=['-denied_at'], name='denials_denied'), models.Index(fields=['name'], name='denials_name'), models.Index(fields=['address'], name='denials_address')],
            },
        ),
        migrations.RunPython(freeze, migrations.RunPython.noop),
    ]
