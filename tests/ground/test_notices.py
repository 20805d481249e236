"""What commands and the supervisor say on stderr when the log is to be JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from harness_site.ready import DATABASE_AWAY
from tests.ground.test_up import child, up
from tests.product import MANAGE, environment, installing

JSON = {"HARNESS_LOG_JSON": "true"}


def messages(text: str) -> list[str]:
    """Of each line, which must have the shape of the log."""
    found = [json.loads(line) for line in text.splitlines()]
    assert all({"at", "level", "logger", "process", "message"} <= line.keys() for line in found)
    return [line["message"] for line in found]


def test_all_that_an_installation_says_is_json(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with installing(tmp_path, **JSON) as product:
        victim = child(product, "manage.py run_huey")
        victim.kill()
        victim.wait(20)
        child(product, "manage.py run_huey", other_than=victim.pid)
        [other] = messages(up(tmp_path, **JSON).stderr)
        assert other.startswith("Another `manage.py up` (process")
    said = messages((tmp_path / "errors.log").read_text())
    killed = f"manage.py run_huey (process {victim.pid}) was ended by signal 9; starting it again in 0.1 s."
    for expected in (
        f"{tmp_path} was open to others (0777); it is 0711 now.",
        "Preparing the database …",
        killed,
        "Stopped. What was under way goes on at the next start.",
    ):
        assert expected in said


def test_a_mistake_is_json(tmp_path: Path) -> None:
    for words, extra, code in (
        (["run_huey"], {"DATABASE_URL": "postgresql://olga@127.0.0.1:1/records"}, DATABASE_AWAY),
        (["up", "--port", "x"], {}, 2),
        (["check"], {"HARNESS_BASE_URL": "https://a b"}, 1),
    ):
        done = subprocess.run(
            [sys.executable, MANAGE, *words],
            env=environment(tmp_path, **JSON, **extra),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert messages(done.stderr)
        assert json.loads(done.stderr.splitlines()[-1])["level"] == "ERROR"
        assert done.returncode == code
