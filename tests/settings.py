"""The product's settings in a data directory of this test process's own.

pytest-django reads the settings before any conftest, so the environment is prepared here. What the
surroundings set (`HARNESS_…`, addresses of databases) does not reach the tests.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from pathlib import Path

# `.ci/run` says with it where: a PostgreSQL, on which each test process makes a database of its own.
# It stays in the environment: processes of pytest-xdist begin with what is left of this one's.
WHERE = "HARNESS_TEST_DATABASE_URL"
TEST_DATABASE_URL = os.environ.get(WHERE, "")

for name in [name for name in os.environ if name.startswith("HARNESS_") and name != WHERE]:
    del os.environ[name]
os.environ["DATABASE_URL"], os.environ["REDIS_URL"] = TEST_DATABASE_URL, ""

TEST_DATA_DIR = Path(tempfile.mkdtemp(prefix="harness-test-"))
atexit.register(shutil.rmtree, TEST_DATA_DIR, ignore_errors=True)
os.environ["HARNESS_DATA_DIR"] = str(TEST_DATA_DIR)

from harness_site.settings import *  # noqa: E402, F403

# Processes that a test starts are the product itself, on SQLite unless they are told otherwise.
os.environ["DJANGO_SETTINGS_MODULE"] = "harness_site.settings"
del os.environ["DATABASE_URL"], os.environ["REDIS_URL"]

if TEST_DATABASE_URL:
    DATABASES["default"].setdefault("TEST", {})["NAME"] = f"harness_test_{secrets.token_hex(6)}"  # noqa: F405
    # A test's own transaction is open for as long as the test takes.
    DATABASES["default"]["OPTIONS"]["options"] = ""  # noqa: F405

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a sign-in in microseconds

# A file is looked up when it is asked for. Each of the tests' thousands of clients makes its own handler, and
# listing all files for it takes longer than most pages.
WHITENOISE_AUTOREFRESH = True
