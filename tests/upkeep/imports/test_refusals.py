"""Files that cannot be imported, with one sentence and nothing written; what is not copied with one."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from runtime.models import Artifact, Event, Run, Thread, ThreadMessage
from runtime.upkeep.imports import NotImportable, import_reference
from tests.upkeep.imports.conftest import reasons
from tests.upkeep.imports.reference import Reference

pytestmark = pytest.mark.django_db

Spoil = Callable[[Reference], object]


def folder(reference: Reference) -> None:
    reference.path.unlink()
    reference.path.mkdir()


def corrupt(reference: Reference) -> None:
    """Overwrites a page in the middle."""
    for number in range(300):
        reference.message("t1", "r1", "user", f"{number} " + "x" * 200)
    size = reference.path.stat().st_size
    with reference.path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xff" * 4096)


def endless(reference: Reference) -> None:
    """Whoever counts the rows of it never comes back."""
    reference.do("ALTER TABLE events RENAME TO those")
    reference.do(
        "CREATE VIEW events AS WITH RECURSIVE n(sequence) AS (SELECT 1 UNION ALL SELECT sequence FROM n) "
        "SELECT 't1' AS thread_id, 'r1' AS run_id, sequence, '{}' AS event_json, '' AS created_at FROM n"
    )


REFUSED: dict[str, tuple[Spoil, str]] = {
    "missing": (lambda r: r.path.unlink(), "There is no file"),
    "a folder": (folder, "is a folder; name the database file in it."),
    "empty": (lambda r: r.path.write_bytes(b""), "is not a SQLite database"),
    "text": (lambda r: r.path.write_text("hello " * 1000), "is not a SQLite database"),
    "cut": (lambda r: r.path.write_bytes(r.path.read_bytes()[:5000]), ""),
    "corrupt": (corrupt, ""),
    "another program's": (lambda r: r.do("DROP TABLE runtime_metadata"), "no runtime database"),
    "foreign": (
        lambda r: r.do("UPDATE runtime_metadata SET value = 'other' WHERE key = 'schema_family'"),
        "schema family 'other'",
    ),
    "without metadata": (lambda r: r.do("DELETE FROM runtime_metadata"), "schema family nothing"),
    "newer": (
        lambda r: r.do("UPDATE runtime_metadata SET value = '2' WHERE key = 'schema_version'"),
        "schema version '2'",
    ),
    "half": (lambda r: r.do("DROP TABLE events"), "no table events"),
    "narrow": (lambda r: r.do("ALTER TABLE events DROP COLUMN sequence"), "events lacks sequence"),
    "computed": (endless, "no table events"),
    "ours": (lambda r: r.do("CREATE TABLE django_migrations (id)"), "a database of this product"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_refuses_a_file_with_one_sentence_and_writes_nothing(reference: Reference, case: str) -> None:
    spoil, said = REFUSED[case]
    spoil(reference)
    with pytest.raises(NotImportable) as refused:
        import_reference(reference.path)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not Thread.objects.exists()


def test_the_command_says_what_it_did(reference: Reference) -> None:
    out = StringIO()
    call_command("import_runtime", str(reference.path), stdout=out)
    assert "2 threads" in out.getvalue()
    out = StringIO()
    call_command("import_runtime", str(reference.path), "--json", stdout=out)
    assert json.loads(out.getvalue())["there"]["runs"] == 3
    with pytest.raises(CommandError, match="Nothing was imported: There is no file"):
        call_command("import_runtime", str(reference.path.with_name("nothing")))


def test_it_says_what_it_brought_before_the_file_could_be_read_no_further(reference: Reference) -> None:
    """Damage in an index, which the check of the whole file at the beginning does not see."""
    whole = reference.path.read_bytes()
    entry, spoilt = b"\x03\x11\x01r3\x03", b"\x03\x7f\x01r3\x03"  # the length of its text
    assert whole.count(entry) == 2, "by run_id: runs and run_requests"
    reference.path.write_bytes(whole.replace(entry, spoilt))
    out = StringIO()
    with pytest.raises(CommandError, match="Only a part was imported: .* malformed"):
        call_command("import_runtime", str(reference.path), stdout=out)
    assert Run.objects.in_bulk().keys() == {"r1", "r2"}
    assert "2 runs" in out.getvalue().splitlines()[0]
    reference.path.write_bytes(whole)
    import_reference(reference.path)
    assert Run.objects.in_bulk().keys() == {"r1", "r2", "r3"}
    again = import_reference(reference.path)
    assert not again.imported.total()


ESCAPES = ["../../../../secret", "/etc/passwd", "artifacts/../../x", "threads/t2/runs/r3/x", "..", "\\..\\x"]


@pytest.mark.parametrize("path", ESCAPES)
def test_it_copies_nothing_from_elsewhere(reference: Reference, path: str) -> None:
    reference.artifact("f2", "t1", "r1", path)
    (reference.path.parent / "secret").write_text("secret")
    report = import_reference(reference.path)
    assert reasons(report) == {("artifacts", "its path leaves the run's directory"): 1}
    assert [artifact.pk for artifact in Artifact.objects.all()] == ["f1"]


def test_it_follows_no_link(reference: Reference) -> None:
    outside = reference.path.parent / "outside"
    outside.mkdir()
    (outside / "file").write_text("secret")
    reference.artifact("f2", "t1", "r1", "link").symlink_to(outside / "file")
    reference.artifact("f3", "t1", "r1", "folder/file")
    (reference.path.parent / "threads/t1/runs/r1/folder").symlink_to(outside)
    reference.artifact("f4", "t1", "r1", "pipe")
    import os

    os.mkfifo(reference.path.parent / "threads/t1/runs/r1/pipe")
    report = import_reference(reference.path)
    why = "its path goes through a symbolic link, or is no regular file"
    assert reasons(report) == {("artifacts", why): 3}


def test_it_says_which_files_are_missing_and_which_are_twice(reference: Reference) -> None:
    reference.artifact("f2", "t1", "r1", "gone.json")
    reference.artifact("f3", "t1", "r1", "artifacts/report.json")
    report = import_reference(reference.path)
    assert reasons(report) == {
        ("artifacts", "its file is not there"): 1,
        ("artifacts", "another artifact of the run has its path"): 1,
    }


def test_it_keeps_little_in_memory(reference: Reference) -> None:
    import tracemalloc

    body = json.dumps({"type": "output.delta", "text": "x" * 1000})
    with sqlite3.connect(reference.path) as made:
        rows = (("t1", "r1", number, body, "2025-03-01T10:00:00Z") for number in range(10, 20_010))
        made.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)", rows)
    made.close()
    assert reference.path.stat().st_size > 20_000_000
    tracemalloc.start()
    import_reference(reference.path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert Event.objects.filter(run_id="r1").count() == 20_003
    assert peak < 10_000_000


@pytest.mark.sqlite
def test_a_copy_of_the_live_database_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "copy.sqlite") as copy:
        for table in ("runtime_metadata", "django_migrations"):
            copy.execute(f"CREATE TABLE {table} (key, value)")
    with pytest.raises(NotImportable, match="restore it by copying"):
        import_reference(tmp_path / "copy.sqlite")
    shutil.rmtree(tmp_path)
    assert not ThreadMessage.objects.exists()
