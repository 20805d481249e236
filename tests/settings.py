"""The product's settings in a data directory of this test process's own.

pytest-django reads the settings before any conftest, so the environment is prepared here. What the surroundings
set (`HARNESS_…`) does not reach the tests.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

for name in [name for name in os.environ if name.startswith("HARNESS_")]:
    del os.environ[name]

TEST_DATA_DIR = Path(tempfile.mkdtemp(prefix="harness-test-"))
atexit.register(shutil.rmtree, TEST_DATA_DIR, ignore_errors=True)
os.environ["HARNESS_DATA_DIR"] = str(TEST_DATA_DIR)

from harness_site.settings import *  # noqa: E402, F403

# Processes that a test starts are the product itself.
os.environ["DJANGO_SETTINGS_MODULE"] = "harness_site.settings"

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a sign-in in microseconds
