"""Long jobs in parallel, each in a process of its own; what is finished is skipped."""

from __future__ import annotations

import _thread
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from naibu.errors import NaibuError, ProcessError, StoredError
from naibu.progress import Report, silent

STOPPING = (signal.SIGINT, signal.SIGTERM)
STOP = -1
"""The place in a tally that is 1 once all jobs shall stop."""


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


def run_parallel(
    jobs: Sequence[Job], workers: int = 1, progress: Report = silent, costs: Sequence[float] | None = None
) -> None:
    """Run the jobs that are not finished, `workers` at a time in processes of their own; with 1, in this one.

    They begin in the order given. `costs` say about how much work each is, in the unit of the progress; 1 each where
    not given. The processes are joblib's, or what `joblib.parallel_config` puts in their place. Ctrl-C reaches every
    job as KeyboardInterrupt, where it may leave a checkpoint, and is raised again here; a second one does not wait.
    The first error of a job stops the others in the same way: a NaibuError is raised here with its text as
    StoredError, any other as RuntimeError with the traceback. Raises ProcessError where a process was killed.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        tally = _Tally(jobs, costs, progress, Path(folder) / "tally")
        if workers > 1 and len(tally.waiting) > 1:
            _in_processes(tally, min(workers, len(tally.waiting)))
        else:
            for place, job in tally.begun():
                job.run(partial(tally.count, place))
                tally.end(place)


class _Tally:
    """The share done of each job, nan before it is told, in a file that all processes map into their memory."""

    def __init__(self, jobs: Sequence[Job], costs: Sequence[float] | None, progress: Report, path: Path) -> None:
        self.jobs, self.progress = jobs, progress
        self.costs = np.ones(len(jobs)) if costs is None else np.asarray(costs, float)
        self.waiting = [place for place, job in enumerate(jobs) if not job.finished()]
        self.shares: Any = np.memmap(path, np.float64, "w+", shape=len(jobs) + 1)
        self.shares[:], self.shares[self.waiting], self.shares[STOP] = 1, np.nan, 0
        self.under_way = dict[int, str]()

    def begun(self) -> Iterator[tuple[int, Job]]:
        """Yield the waiting jobs as they begin, until all shall stop."""
        for place in self.waiting:
            if not self.shares[STOP]:
                self.under_way[place] = self.jobs[place].name
                yield place, self.jobs[place]

    def count(self, place: int, part: float, whole: float, _: str = "") -> None:
        """Count what is done of a job of this process."""
        self.shares[place] = part / max(whole, 1e-9)
        self.tell()

    def end(self, place: int) -> None:
        """Count a job as done."""
        del self.under_way[place]
        self.shares[place] = 1
        self.tell()

    def tell(self) -> None:
        """Report what is done of all jobs, once each under way has told what an earlier call did of it."""
        names = self.under_way.copy()
        if not np.isnan(self.shares[list(names)]).any():
            done = float(np.nansum(self.costs * self.shares[:STOP]))
            self.progress(done, float(self.costs.sum()), ", ".join(names.values()))

    def stop(self, *_: object) -> None:
        """Let all jobs stop; asked again, do not wait for it."""
        if self.shares[STOP]:
            raise KeyboardInterrupt
        self.shares[STOP] = 1


def _in_processes(tally: _Tally, workers: int) -> None:
    parallel = Parallel(workers, return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs")
    errors: list[BaseException] = []
    try:
        with _ctrl_c(tally.stop), _meanwhile(tally.tell):
            with _ctrl_c(
                signal.SIG_IGN, (signal.SIGINT,)
            ):  # what a new process inherits: between two jobs it is nothing to it
                ended = parallel(delayed(_run)(job, place, tally.shares) for place, job in tally.begun())
            for place, error in ended:
                if error is None:
                    tally.end(place)
                else:
                    errors.append(error)
                    tally.shares[STOP] = 1  # where a backend has given the jobs copies of the tally
    except TerminatedWorkerError:
        names = " or ".join(tally.under_way.values())
        errors.append(ProcessError(f"{names}: its process ended (out of memory?); the same command goes on"))
    except KeyboardInterrupt as error:
        errors.append(error)
    finally:
        get_reusable_executor(reuse=True).shutdown()  # its processes would stay, with their memory and their folder
    if errors or tally.shares[STOP]:
        raise errors[0] if errors else KeyboardInterrupt


def _run(job: Job, place: int, shares: Any) -> tuple[int, BaseException | None]:
    """Run a job; return its place, and the error that ended it as it is to be told."""
    parent, here = os.getppid(), threading.current_thread() is threading.main_thread()
    error: BaseException | None = None

    def report(part: float, whole: float, _: str = "") -> None:
        shares[place] = part / max(whole, 1e-9)

    def stopped() -> bool:
        """Interrupt the job where all shall stop, or where the process that waits for it is gone."""
        if found := here and bool(shares[STOP] or os.getppid() != parent):
            _thread.interrupt_main()
        return found

    try:
        with _ctrl_c(_interrupt), _meanwhile(stopped):
            job.run(report)
    except NaibuError as found:
        error = StoredError(str(found))
    except KeyboardInterrupt as found:
        error = found
    except Exception:
        error = RuntimeError(f"{job.name}:\n{traceback.format_exc()}")
    if error is not None:
        shares[STOP] = 1  # before the next job can begin
    if os.getppid() != parent:
        os._exit(1)  # nor will anyone ask for more
    return place, error


def _interrupt(*_: object) -> None:
    for each in STOPPING:
        signal.signal(each, signal.SIG_IGN)  # once: the job may be leaving a checkpoint
    raise KeyboardInterrupt


@contextmanager
def _ctrl_c(handler: Any, signals: Sequence[signal.Signals] = STOPPING) -> Iterator[None]:
    """Let Ctrl-C, and what ends a process, be handled so; only the main thread can say how."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, handler) for each in signals}
    try:
        yield
    finally:
        for each, handled in before.items():
            signal.signal(each, handled)


@contextmanager
def _meanwhile(do: Callable[[], bool | None]) -> Iterator[None]:
    """Do something over and over in a thread, until it returns True or the block ends."""
    ended = threading.Event()

    def again() -> None:
        while not ended.wait(0.2) and not do():
            pass

    thread = threading.Thread(target=again, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
