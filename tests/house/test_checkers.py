"""The checkers find what they are there for: each is tried on planted faults, and on sound sources."""

from __future__ import annotations

import pytest

from tests.house import floors, pages, sizes, writes
from tests.house.source import Source

MODELS = Source(
    "runtime/models/run.py",
    "class Run(models.Model):\n    parent = models.ForeignKey('self', related_name='children')\n"
    "class ServiceAccount(models.Model): pass\n",
)


def climbs(path: str, text: str) -> bool:
    return bool(floors.climbing_imports([Source(path, text)]))


def writes_records(text: str, path: str = "runtime/actions/planted.py") -> bool:
    return bool(writes.strange_writes([MODELS, Source(path, text)]))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("runtime/models/run.py", "from runtime import journal"),
        ("runtime/models/run.py", "import runtime.journal.entry"),
        ("runtime/actions/runs.py", "from runtime.engine import loop"),
        ("runtime/engine/loop.py", "from runtime import upkeep"),
        ("runtime/journal/entry.py", "from runtime import catalogue"),
        ("runtime/gate.py", "from runtime.tools import Tool"),
        ("runtime/tools/base.py", "def f() -> None:\n    from runtime.workspace import load"),
        ("runtime/web/run.py", "if TYPE_CHECKING:\n    from runtime.engine import loop"),
        ("runtime/web/run.py", "from runtime import tools"),
        ("runtime/api/runs.py", "from runtime.providers import build"),
        ("runtime/admin/site.py", "import runtime.tasks"),
        ("runtime/web/run.py", "from runtime.api import problems"),
        ("runtime/web/run.py", "from ..engine import loop"),
        ("runtime/web/run.py", "from .. import engine"),
        ("runtime/web/run.py", "import_module('runtime.engine.loop')"),
        ("runtime/web/run.py", "from harness_site import data"),
        ("runtime/lifecycle.py", "from runtime import events"),
        ("runtime/canonical.py", "from runtime import http"),
        ("runtime/seat.py", "from runtime import tasks"),
        ("runtime/journal/entry.py", "import runtime"),
        ("harness_site/asgi.py", "from runtime import journal"),
        ("runtime/newcomer.py", "from runtime import canonical"),
    ],
)
def test_it_finds_an_import_that_climbs(path: str, text: str) -> None:
    assert climbs(path, text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("runtime/actions/runs.py", "from runtime import catalogue, gate, journal"),
        ("runtime/web/run.py", "from runtime.models import Run\nfrom runtime.web import cards"),
        ("runtime/web/run.py", "from . import cards\nfrom .cards import of_calls"),
        ("runtime/tasks.py", "from runtime.seat import Seat"),
        ("runtime/apps.py", "from runtime import checks, tasks"),
        ("runtime/management/commands/up.py", "from harness_site import data\nfrom runtime import access"),
        ("harness_site/urls.py", "path('', include('runtime.web.urls'))"),
    ],
)
def test_it_lets_imports_go_down(path: str, text: str) -> None:
    assert not climbs(path, text)


def test_it_finds_a_room_without_a_floor() -> None:
    assert floors.rooms_without_floor([Source("runtime/attic/__init__.py", "")])
    assert not floors.rooms_without_floor(
        [Source("runtime/web/page.py", ""), Source("runtime/__init__.py", "")]
    )


@pytest.mark.parametrize(
    ("path", "text", "wrong"),
    [
        ("runtime/providers/base.py", "import httpx", True),
        ("runtime/providers/base.py", "from httpx import Client", True),
        ("runtime/http.py", "import httpx", False),
        ("runtime/upkeep/sweep.py", "from huey.api import Huey", True),
        ("runtime/tasks.py", "from huey import SqliteHuey", False),
        ("runtime/engine/loop.py", "def f() -> None:\n    import asyncio", True),
        ("runtime/web/page.py", "from asyncio import Event", True),
        ("runtime/web/live.py", "import asyncio", False),
        ("runtime/providers/pump.py", "import asyncio", False),
        ("runtime/tools/web.py", "from urllib.request import urlopen", True),
        ("runtime/tools/web.py", "from urllib.parse import urlsplit", False),
    ],
)
def test_it_finds_a_package_out_of_place(path: str, text: str, wrong: bool) -> None:
    assert bool(floors.misplaced_packages([Source(path, text)])) is wrong


@pytest.mark.parametrize(
    "text", ["from django.db import models", "import django", "from runtime.models import Run"]
)
@pytest.mark.parametrize(
    "path", ["runtime/gate.py", "runtime/tools/reading.py", "runtime/events.py", "runtime/http.py"]
)
def test_it_finds_the_database_on_a_low_floor(path: str, text: str) -> None:
    assert floors.databases_below([Source(path, text)])


@pytest.mark.parametrize(
    "text", ["import time", "from os import environ", "datetime.now(UTC)", "import random"]
)
def test_it_finds_a_clock_in_a_pure_module(text: str) -> None:
    assert floors.impurities([Source("runtime/engine/steps.py", text)])
    assert not floors.impurities([Source("runtime/engine/loop.py", text)])


def test_it_finds_a_module_that_needs_more_than_it_says() -> None:
    plain = Source(
        "harness_site/plain.py", '"""Plain. Standard library only."""\nfrom harness_site.other import x'
    )
    sound = Source("harness_site/other.py", '"""Other."""\nimport json')
    faulty = Source("harness_site/other.py", '"""Other."""\nimport django')
    assert not floors.unkept_standard_only([plain, sound])
    assert floors.unkept_standard_only([plain, faulty])


def test_it_finds_an_import_by_a_name_worked_out() -> None:
    assert floors.unnamed_imports([Source("runtime/web/page.py", "import_module(name)")])
    assert not floors.unnamed_imports([Source("runtime/web/page.py", "import_module('runtime.web.run')")])


@pytest.mark.parametrize("text", ["", "import os", "'' "])
def test_it_finds_a_module_without_a_docstring(text: str) -> None:
    assert floors.without_docstring([Source("runtime/web/page.py", text)])


@pytest.mark.parametrize(
    "text",
    [
        "run.state = 'completed'\nrun.save()",
        "run.save(update_fields=['state'])",
        "Run.objects.filter(pk=1).update(state='failed')",
        "rows = Run.objects.filter(pk=1)\nrows.update(state='failed')",
        "def f(rows):\n    rows.update(**values)",
        "Run.objects.create(state='queued')",
        "Run.objects.using('default').create()",
        "make = Run.objects.create\nmake(state='queued')",
        "Run.objects.bulk_create([Run()])",
        "Run.objects.get_or_create(pk=1)",
        "Run.objects.bulk_update(runs, ['state'])",
        "Run.objects.filter(pk=1).delete()",
        "run.delete()",
        "await run.asave()",
        "await Run.objects.filter(pk=1).aupdate(state='failed')",
        "models.Model.save(run)",
        "QuerySet.update(Run.objects.all(), state='failed')",
        "getattr(run, 'save')()",
        "operator.methodcaller('update', state='failed')(rows)",
        "save = run.save\nsave()",
        "run.children.add(other)",
        "run.children.set([])",
        "run.event_set.create(sequence=1)",
        "for run in runs:\n    run.save()",
        "list(map(Run.save, runs))",
        "with journal.entry(run_id) as entry:\n    entry.set(state='completed')",
        "with connection.cursor() as cursor:\n    pass",
        "cursor.execute('SELECT 1')",
        "Run.objects.raw('SELECT 1')",
        "SQL = 'INSERT INTO events (sequence) VALUES (1)'",
        "SQL = f'UPDATE {table} SET state = 1'",
        "SQL = 'delete from runs'",
        "def f(rows):\n    accounts = ServiceAccount.objects\n    return rows.update(state='failed')",
        "rows = Run.objects.all()\nrows = ServiceAccount.objects.all()\nrows.update(state='failed')",
        "rows = ServiceAccount.objects\ndef f(rows):\n    rows.update(state='failed')",
    ],
)
def test_it_finds_a_write_outside_of_the_journal(text: str) -> None:
    assert writes_records(text)
    assert writes_records(text, "runtime/models/thread.py")
    assert writes_records(text, "runtime/web/feed.py") or "cursor" in text or ".raw" in text
    assert not writes_records(text, "runtime/journal/planted.py")


@pytest.mark.parametrize(
    "text",
    [
        "run = Run.objects.get(pk=1)\nrun.refresh_from_db()",
        "values.update(other)\nhash.update(b'')\nseen.add(1)\ncache.delete('key')",
        "ServiceAccount.objects.update_or_create(name='a', defaults={})",
        "def f():\n    live = ServiceAccount.objects.filter(name='a')\n    live.update(revoked_at=now)",
        "SignInLink.objects.filter(user=user).delete()",
        "for account in ServiceAccount.objects.all():\n    account.delete()",
        "with journal.entry(run_id) as entry:\n    entry.set(attempts=1)\n    entry.move('failed', 'why')",
        "journal.create_run(new)",
        "'''Updates the run and sets its state; deletes nothing from the list.'''",
        "class Command(BaseCommand):\n    def execute(self):\n        return super().execute()",
    ],
)
def test_it_lets_reads_and_other_writes_be(text: str) -> None:
    assert not writes_records(text)


def test_it_knows_the_journals_records_by_their_class() -> None:
    assert writes.record_names([MODELS]) == {"Run"}
    assert writes.related_names([MODELS]) == {"children"}


def test_it_measures_functions_and_files() -> None:
    body = "\n".join(["    x = 1"] * 60)
    long = Source("runtime/web/page.py", f'"""Page."""\nclass A:\n  def f(self):\n{body}\n')
    measures = sizes.functions([long])
    assert [measure.lines for measure in measures] == [61]
    assert sizes.too_long(measures, 60)
    assert not sizes.too_long(measures, 61)
    assert sizes.files([long])[0].lines == 63
    assert sizes.files([Source("runtime/web/__init__.py", '"""Only this."""')]) == []


def test_it_takes_the_nineteenth_of_twenty() -> None:
    measures = [sizes.Measure("f", lines) for lines in range(1, 21)]
    assert sizes.p95(measures) == 19
    assert sizes.middle(measures) == 10.5


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<p style="color: red">',
        "<button onclick='go()'>",
        '<script src="https://cdn.example.org/x.js"></script>',
        "{{ text|safe }}",
        "{% autoescape off %}",
        "<style>p {}</style>",
        '<a href="//example.org">',
    ],
)
def test_it_finds_what_the_policy_forbids_in_a_template(text: str) -> None:
    assert pages.unsafe({"templates/a.html": f"<p>\n{text}"}) != []


def test_it_lets_sound_templates_be() -> None:
    script = '<script src="{% static \'base/base.js\' %}" type="module"></script>'
    text = script + "<a href=\"{% url 'run' id %}\">{{ text }}</a>"
    assert pages.unsafe({"templates/a.html": text}) == []
