"""`serve`, where an installation by `up` would not show it."""

from __future__ import annotations

import os
import resource
import select
import subprocess
import sys
from pathlib import Path

import psutil

from tests.product import MANAGE, environment

FEW = 256


def test_it_allows_itself_more_open_files(tmp_path: Path) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    ours, theirs = os.pipe()
    process = subprocess.Popen(
        [sys.executable, MANAGE, "serve", "--port", "0"],
        env=environment(tmp_path, HARNESS_READY_FD=str(theirs)),
        pass_fds=(theirs,),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, most)),
    )
    try:
        assert select.select([ours], [], [], 30)[0]
        soft, _ = psutil.Process(process.pid).rlimit(psutil.RLIMIT_NOFILE)
        assert soft > FEW
    finally:
        process.terminate()
        assert process.wait(20) is not None
        os.close(ours)
        os.close(theirs)
