"""What Windows lacks is not needed: modules, signals, locks and text that is UTF-8 by itself are taken away."""

from __future__ import annotations

import os
import subprocess
import sys

from random_trees import sentences
from small_jobs import SMALL

SIMULATED = """
import fcntl, importlib, os, pkgutil, signal, sys, types
import joblib, matplotlib.backends.backend_svg, numba, numpy, rich.progress, scipy.stats, torch  # not ours to test

def locking(handle, mode, size):
    try:
        real.flock(handle, real.LOCK_EX | real.LOCK_NB)
    except BlockingIOError:
        raise PermissionError(13, "Permission denied") from None

def only_six(number, handler):
    if number not in SIX:
        raise ValueError("invalid signal value")  # as Windows says
    return set_handler(number, handler)

real, set_handler = fcntl, signal.signal
SIX = {getattr(signal, f"SIG{name}") for name in ("INT", "TERM", "ABRT", "FPE", "ILL", "SEGV")}
signal.signal = only_six
for name in [name for name in dir(signal) if name.startswith("SIG") and name[3:].isalnum()]:
    if getattr(signal, name) not in SIX:
        delattr(signal, name)
for name in ("fork", "getuid", "geteuid", "kill", "killpg", "mkfifo", "O_NOFOLLOW", "O_NONBLOCK", "pread", "pwrite",
             "sched_getaffinity", "sysconf", "sysconf_names"):
    delattr(os, name)
sys.modules |= dict.fromkeys(("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty"))
sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
sys.platform = "win32"

import naibu
from naibu.cli import main
for module in pkgutil.walk_packages(naibu.__path__, "naibu."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
learnt = ["train", "trees.mrg", "--form", "words", "--out", "run", *sys.argv[1:]]
for words in (learnt, ["record", "run"], ["show", "run"]):
    assert main(words) == 0, words
"""


def test_nothing_is_needed_that_windows_lacks(tmp_path):
    (tmp_path / "trees.mrg").write_text(sentences(60).replace("a", "ä"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", SIMULATED, *SMALL],
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "MPLCONFIGDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
