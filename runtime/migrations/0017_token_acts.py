"""Who made, replaced and revoked tokens; decisions by who made them."""

from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def freeze(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    do = "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    if schema_editor.connection.vendor == "sqlite":
        do = "BEGIN SELECT RAISE(ABORT, 'the row is append-only'); END"
    schema_editor.execute(f"CREATE TRIGGER token_acts_frozen BEFORE UPDATE ON token_acts {do}")


class Migration(migrations.Migration):

    dependencies = [
        ('runtime', '0016_lists'),
    ]

    operations = [
        migrations.CreateModel(
            name='TokenAct',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='runtime.serviceaccount')),
                ('act', models.CharField(choices=[('made', 'made'), ('replaced', 'replaced'), ('revoked', 'revoked')], max_length=16)),
                ('token_prefix', models.CharField(help_text='What the token begins with.', max_length=16)),
                ('roles_before', models.CharField(default='', max_length=100)),
                ('roles_after', models.CharField(default='', max_length=100)),
                ('expires_at', models.DateTimeField(help_text='When the token made here expires.', null=True)),
                ('done_by', models.CharField(max_length=200)),
                ('source', models.CharField(max_length=16)),
                ('address', models.CharField(default='', max_length=64)),
                ('done_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'db_table': 'token_acts',
            },
        ),
        migrations.AlterField(
            model_name='denial',
            name='kind',
            field=models.CharField(help_text='person, service, or empty: nobody knows who; then the name is what was tried.', max_length=16),
        ),
        migrations.AddIndex(
            model_name='decisionrecord',
            index=models.Index(fields=['decided_by'], name='decisions_decided_by'),
        ),
        migrations.AddIndex(
            model_name='tokenact',
            index=models.Index(fields=['done_by'], name='token_acts_done_by'),
        ),
        migrations.RunPython(freeze, migrations.RunPython.noop),
    ]
