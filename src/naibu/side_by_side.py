"""Long work in several processes side by side, each on its own; what is finished is skipped."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Protocol

from naibu.errors import NaibuError, StoredError
from naibu.progress import Report, silent


@contextmanager
def ctrl_c() -> Iterator[None]:
    """Let Ctrl-C interrupt a job, which it otherwise handles as it likes, or not at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Job(Protocol):
    """A piece of work that leaves what it finds on disk; it travels to another process, so it must pickle."""

    @property
    def name(self) -> str:
        """What to call it while it is under way."""
        ...

    def finished(self) -> bool:
        """Return whether what it leaves is there."""
        ...

    def run(self, progress: Report) -> None:
        """Do the work, or go on with it; progress in any unit."""
        ...


def side_by_side(jobs: Sequence[Job], workers: int = 1, progress: Report = silent) -> None:
    """Run the jobs that are not finished, `workers` at a time in processes of their own; with 1, in this one.

    The order in which they begin is the one given. Ctrl-C reaches every job as KeyboardInterrupt, where it may
    leave a checkpoint, and is raised again here. The first error of a job stops the others: a NaibuError is
    raised here with its text as StoredError, any other as RuntimeError with the traceback.
    """
    waiting = [job for job in jobs if not job.finished()]
    done = _Done(len(jobs), len(jobs) - len(waiting), progress)
    if workers <= 1 or len(waiting) <= 1:
        for job in waiting:
            job.run(done.report_of(job.name))
            done.end(job.name)
        return
    crew = [_Worker() for _ in range(min(workers, len(waiting)))]
    try:
        _all(crew, waiting, done)
    finally:
        for worker in crew:
            worker.stop()


class _Done:
    """What is done of all jobs, the part of each one under way included."""

    def __init__(self, jobs: int, finished: int, progress: Report) -> None:
        self.jobs, self.finished, self.progress = jobs, finished, progress
        self.parts: dict[str, float] = {}

    def report_of(self, name: str) -> Report:
        return lambda part, whole, _: self.say(name, part / max(whole, 1e-9))

    def say(self, name: str, part: float) -> None:
        self.parts[name] = part
        self.progress(self.finished + sum(self.parts.values()), self.jobs, ", ".join(self.parts))

    def end(self, name: str) -> None:
        self.parts.pop(name, None)
        self.finished += 1
        self.progress(self.finished + sum(self.parts.values()), self.jobs, ", ".join(self.parts))


class _Worker:
    """A process that is given one job after the other through a pipe."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=_work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()  # so that the end of the process is the end of the pipe

    def stop(self) -> None:
        """End the process: at once where it waits, after its checkpoint where it works."""
        if self.process.is_alive() and self.process.pid is not None:
            with suppress(OSError):
                os.kill(self.process.pid, signal.SIGINT)
        self.pipe.close()
        with suppress(KeyboardInterrupt):  # a second Ctrl-C does not wait
            self.process.join(timeout=30)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join()


def _all(crew: list[_Worker], waiting: list[Job], done: _Done) -> None:
    queue = iter(waiting)
    busy: dict[object, tuple[_Worker, Job]] = {}

    def give(worker: _Worker) -> None:
        job = next(queue, None)
        if job is not None:
            worker.pipe.send(job)
            busy[worker.pipe] = worker, job

    for worker in crew:
        give(worker)
    while busy:
        for pipe in wait([worker.pipe for worker, _ in busy.values()]):
            worker, job = busy[pipe]
            try:
                kind, value = worker.pipe.recv()
            except (EOFError, OSError):
                raise RuntimeError(
                    f"{job.name}: its process ended (out of memory?); the same command goes on"
                ) from None
            if kind == "part":
                done.say(job.name, value)
            elif kind == "mistake":
                raise StoredError(value)
            elif kind == "error":
                raise RuntimeError(f"{job.name}:\n{value}")
            elif kind == "stopped":
                raise KeyboardInterrupt
            else:
                done.end(job.name)
                del busy[pipe]
                give(worker)


def _work(pipe: Connection) -> None:
    """Run jobs from the pipe until it is closed. Ctrl-C is for the job to handle; between jobs it is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError):  # the other end has gone
        while True:
            job: Job = pipe.recv()
            try:
                job.run(lambda part, whole, _: pipe.send(("part", part / max(whole, 1e-9))))
                pipe.send(("done", None))
            except KeyboardInterrupt:
                pipe.send(("stopped", None))
                return
            except NaibuError as error:
                pipe.send(("mistake", str(error)))
            except (BrokenPipeError, EOFError):
                return
            except Exception:
                pipe.send(("error", traceback.format_exc()))
