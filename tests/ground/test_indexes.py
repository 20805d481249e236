"""The tables have the indexes that the models declare, and no others: some migrations change them by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

pytestmark = pytest.mark.django_db
MODELS = [model for model in apps.get_app_config("runtime").get_models() if model._meta.managed]


def plain(model: type[models.Model]) -> dict[str, Any]:
    """The table's indexes that are neither unique nor a key's, by name."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    others = ("unique", "primary_key", "foreign_key", "check")
    return {
        name: about for name, about in found.items() if about["index"] and not any(map(about.get, others))
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.db_table)
def test_a_table_has_the_indexes_of_its_model(model: type[models.Model]) -> None:
    found = plain(model)
    declared = {index.name for index in model._meta.indexes}
    fields: Any = model._meta.concrete_fields
    columns = {field.column for field in fields if field.db_index and not field.unique}
    assert declared <= found.keys()
    others = {name: about["columns"] for name, about in found.items() if name not in declared}
    assert {tuple(each) for each in others.values()} >= {(column,) for column in columns}
    if connection.vendor == "sqlite":  # PostgreSQL has more, for beginnings of texts
        assert {tuple(each) for each in others.values()} == {(column,) for column in columns}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.db_table)
def test_what_points_to_a_row_is_found_when_it_goes(model: type[models.Model]) -> None:
    """Without an index that begins with its column, each deletion would look at the whole table."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    first = {about["columns"][0] for about in found.values() if about["index"] and about["columns"]}
    first |= {about["columns"][0] for about in found.values() if about["unique"] or about["primary_key"]}
    fields: Any = model._meta.concrete_fields
    keys = [field for field in fields if field.is_relation and field.db_constraint]
    assert {key.column for key in keys} <= first
