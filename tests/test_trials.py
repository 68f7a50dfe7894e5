"""Jobs in parallel: what is skipped, in which order they begin, how they end, and that nothing of them stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import pytest

from naibu.errors import OptionError, ProcessError, StoredError
from naibu.trials import run_parallel
from small_jobs import Endless, Small

HERE = Path(__file__).parent


class Heard:
    """A report that keeps what it is told."""

    def __init__(self):
        self.told = []

    def __call__(self, done, whole, words=""):
        self.told.append((done, whole, words))


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_finished_is_skipped(tmp_path, workers):
    (tmp_path / "b").write_text("there")
    heard = Heard()
    run_parallel([Small(tmp_path, name) for name in "abc"], workers, heard)
    assert (tmp_path / "b").read_text() == "there"
    here = {(tmp_path / name).read_text() == str(os.getpid()) for name in "ac"}
    assert here == {workers == 1}
    done = [done for done, _, _ in heard.told]
    assert heard.told[-1] == (3, 3, "")
    assert done == sorted(done)
    assert min(done) >= 1


def test_progress_within_this_process_is_told_at_once_in_the_unit_of_the_costs(tmp_path):
    heard = Heard()
    run_parallel([Small(tmp_path, "a"), Small(tmp_path, "b")], 1, heard, [30.0, 10.0])
    assert heard.told == [(15, 40, "a"), (30, 40, ""), (35, 40, "b"), (40, 40, "")]


def test_jobs_begin_in_the_order_given(tmp_path):
    names = "tsrqponmlkjihgfedcba"
    run_parallel([Small(tmp_path, name) for name in names], 2)
    begun = (tmp_path / "begun").read_text()
    assert sorted(begun) == sorted(names)
    assert all(names.index(name) <= place + 1 for place, name in enumerate(begun))  # all but one of those before ended


@pytest.mark.parametrize(
    ("ends", "kind", "words"),
    [
        ("mistake", StoredError, "^--this: is wrong$"),
        ("error", RuntimeError, "(?s)^[ab]:\nTraceback.*ZeroDivisionError"),
        ("stopped", KeyboardInterrupt, None),
        ("killed", ProcessError, r"^(a or b|a|b): its process ended \(out of memory\?\); the same command goes on$"),
    ],
)
def test_the_end_of_a_job_is_the_end_of_all(tmp_path, ends, kind, words):
    with pytest.raises(kind, match=words):
        run_parallel([Small(tmp_path, "a", ends), Small(tmp_path, "b", ends), Small(tmp_path, "c")], 2)
    assert not (tmp_path / "c").exists()


def test_an_error_lets_the_others_leave_their_checkpoint(tmp_path):
    with pytest.raises(StoredError, match="--this"):
        run_parallel([Endless(tmp_path, "a", told=False), Small(tmp_path, "b", "mistake")], 2)
    assert (tmp_path / "a.checkpoint").exists()


def test_in_this_process_an_error_is_the_jobs_own(tmp_path):
    with pytest.raises(OptionError, match="--this"):
        run_parallel([Small(tmp_path, "a", "mistake"), Small(tmp_path, "b")])
    assert not (tmp_path / "b").exists()


def test_another_backend_can_take_the_place_of_processes(tmp_path):
    with joblib.parallel_config(backend="threading"):
        run_parallel([Small(tmp_path, name) for name in "abc"], 2)
        assert {(tmp_path / name).read_text() for name in "abc"} == {str(os.getpid())}
        with pytest.raises(StoredError, match="--this"):
            run_parallel([Small(tmp_path, name, "mistake") for name in "de"], 2)


SCRIPT = """
import sys
from pathlib import Path
from naibu import cli
from naibu.trials import run_parallel
from small_jobs import Endless, Small

folder, jobs = Path(sys.argv[1]), {"a": Small, "b": Endless, "c": lambda *where: Endless(*where, told=False)}
cli.run = lambda _: run_parallel([jobs[name](folder, name) for name in sys.argv[2]], 3)
sys.exit(cli.main(["-"]))
"""
"""A command whose job a ends at once, b tells how far it is, and c does not."""


@pytest.fixture
def start(tmp_path):
    """Start the command, in a session of its own, with the jobs named, and wait until all have begun."""
    begun: list[subprocess.Popen] = []

    def start(names):
        paths = os.pathsep.join([str(HERE), str(HERE.parent / "src")])
        command = [sys.executable, "-c", SCRIPT, str(tmp_path), names]
        environment = {**os.environ, "PYTHONPATH": paths}
        begun.append(
            subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)
        )
        until(lambda: len(pids(tmp_path)) == len(names))
        return begun[0]

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def until(there, seconds=60):
    began = time.monotonic()
    while not there():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)


def pids(folder):
    return [int(path.read_text() or 0) for path in (*folder.glob("a"), *folder.glob("?.pid"))]


def gone(folder):
    """Return whether no process of a job runs; one that has ended, though nobody has asked how, is gone."""
    stats = [Path(f"/proc/{pid}/stat") for pid in pids(folder)]
    return not any(stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z" for stat in stats)


with_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
STOPPED = (130, "naibu: stopped; the same command goes on from here\n")


@with_proc
@pytest.mark.parametrize("send", [os.killpg, os.kill], ids=["in a terminal", "parent alone"])
def test_ctrl_c_waits_for_checkpoints_and_is_one_line_and_130(start, tmp_path, send):
    process = start("abc")
    send(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == STOPPED
    assert {path.name for path in tmp_path.glob("*.checkpoint")} == {"b.checkpoint", "c.checkpoint"}
    assert gone(tmp_path)


@with_proc
def test_a_second_ctrl_c_does_not_wait(start, tmp_path):
    process = start("abc")
    process.send_signal(signal.SIGINT)
    until((tmp_path / "b.interrupted").exists)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == STOPPED
    assert not list(tmp_path.glob("*.checkpoint"))
    assert gone(tmp_path)


@with_proc
def test_jobs_end_where_the_process_that_waits_for_them_is_killed(start, tmp_path):
    start("bc").kill()
    until(lambda: len(list(tmp_path.glob("*.checkpoint"))) == 2 and gone(tmp_path))
