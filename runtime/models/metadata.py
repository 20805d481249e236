"""Which schema a database holds."""

from __future__ import annotations

from django.db import models

SCHEMA_FAMILY = "agent-harness-runtime"
SCHEMA_VERSION = "1"


class RuntimeMetadata(models.Model):
    """Two rows: `schema_family` and `schema_version`, written together."""

    key = models.CharField(primary_key=True, max_length=64)
    value = models.TextField()

    class Meta:
        db_table = "runtime_metadata"
        verbose_name_plural = "runtime metadata"

    def __str__(self) -> str:
        return f"{self.key} = {self.value}"
