"""The schema's metadata."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import connection, transaction

from runtime.journal.schema import ForeignSchema, check_schema
from runtime.models import RuntimeMetadata
from tests.journal.test_races import at_once

pytestmark = pytest.mark.django_db


def stored() -> dict[str, str]:
    return dict(RuntimeMetadata.objects.values_list("key", "value"))


WHOLE = {"schema_family": "agent-harness-runtime", "schema_version": "1"}


@pytest.mark.django_db(transaction=True)
def test_initialize__is_safe_many_times_and_at_once() -> None:
    RuntimeMetadata.objects.all().delete()
    assert at_once([partial(check_schema, "here")] * 6) == [None] * 6
    check_schema("here")
    assert stored() == WHOLE


def test_initialize__says_that_a_version_is_missing() -> None:
    check_schema("here")
    RuntimeMetadata.objects.filter(key="schema_version").delete()
    with pytest.raises(ForeignSchema, match="The database here names no schema version of agent-harness-"):
        check_schema("here")


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("schema_family", "The database here holds the schema family 'other', not 'agent-harness-runtime'"),
        ("schema_version", "The database here has schema version 'other' of agent-harness-runtime; .* '1'"),
    ],
)
def test_initialize__refuses_what_is_not_ours_and_says_what_it_found(key: str, sentence: str) -> None:
    check_schema("here")
    RuntimeMetadata.objects.filter(key=key).update(value="other")
    with pytest.raises(ForeignSchema, match=sentence):
        check_schema("here")
    assert stored() == {**WHOLE, key: "other"}, "nothing was written"


@pytest.mark.django_db(transaction=True)
def test_defect_20__metadata_is_written_together_or_not_at_all() -> None:
    RuntimeMetadata.objects.all().delete()
    with transaction.atomic():
        check_schema("here")
        transaction.set_rollback(True)  # the process dies before the commit
    connection.close()
    assert stored() == {}
    check_schema("here")
    assert stored() == WHOLE
