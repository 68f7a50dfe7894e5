"""The one loop: updates, validations and checkpoints of one run, from wherever its last checkpoint left it."""

from __future__ import annotations

import json
import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from naibu.config import KeepName
from naibu.data.order import Order, Window, pieces_from, windows
from naibu.errors import DivergedError, StoredError
from naibu.models.model import cut_off
from naibu.models.weights import digest_of_tensors, read_tensors, write_weights
from naibu.progress import Report
from naibu.runs import Run, is_run
from naibu.runs.load import beginning, load
from naibu.runs.run import Ended
from naibu.storage import MALFORMED, cannot_write, digest_of, read_text, write_json, write_text
from naibu.training import averaging, checkpoints
from naibu.training.schedule import learning_rate
from naibu.training.trainer import Stepped, Trainer
from naibu.training.validation import mean_loss

CHECKPOINT_SECONDS = 20.0


@dataclass
class Counters:
    """The counters of a run in training; `step` is the number of updates done."""

    step: int = 0
    tokens: int = 0  # steps of sequences that were predicted
    seconds: float = 0.0
    best_loss: float = math.inf  # a predicted step's, on validation
    best_step: int = 0
    best_here: float = math.inf  # since this training began, of several one after the other
    worse: int = 0  # validations since the best
    worse_in_all: int = 0
    stopped: bool = False
    longer: int = 0  # trainings that went on before
    loss_sum: float = 0.0  # these three since the last validation
    loss_tokens: int = 0
    largest_norm: float = 0.0

    def count(self, done: Stepped, seconds: float) -> None:
        """Add one update."""
        self.step += 1
        self.tokens += done.count
        self.seconds += seconds
        self.loss_sum += done.total
        self.loss_tokens += done.count
        self.largest_norm = max(self.largest_norm, done.norm)

    def judged(self, loss: float, patience: int, keep: KeepName = "best") -> bool:
        """Add one validation; return whether its weights are kept: the best so far, in all trainings one after the
        other, or those of the last."""
        if loss < self.best_here:
            self.best_here, self.worse = loss, 0
        else:
            self.worse, self.worse_in_all = self.worse + 1, self.worse_in_all + 1
            self.stopped = 0 < patience <= self.worse
        best = keep == "last" or loss < self.best_loss
        if best:
            self.best_loss, self.best_step = loss, self.step
        return best

    def since_last(self) -> dict[str, float]:
        """Return training loss and largest gradient norm since the last call."""
        line = {"loss": self.loss_sum / max(1, self.loss_tokens), "largest_gradient_norm": self.largest_norm}
        self.loss_sum, self.loss_tokens, self.largest_norm = 0.0, 0, 0.0
        return line

    def words(self) -> str:
        """Return a few words for the progress bar."""
        speed = f"{self.tokens / max(self.seconds, 1e-9):,.0f} tokens/s"
        return speed + (f", loss {self.best_loss:.4f}" if math.isfinite(self.best_loss) else "")


class Loop:
    """The training of one run; it knows pieces, losses and steps, and nothing of what is learnt."""

    def __init__(self, run: Run, order: Order, validation: Sequence[Window], progress: Report) -> None:
        self.run, self.order, self.validation, self.progress = run, order, validation, progress
        self.begun, self.training = run.stretch.begun, run.stretch.training
        assert self.training.steps is not None
        self.steps = self.training.steps
        self.every = max(1, math.ceil(self.steps / self.training.validations))
        self.averages_from = averaging.first_of_last(self.steps)
        self.trainer = Trainer(beginning(run), self.training)
        self.counters, self.carried = Counters(), None  # carried: the layers' state after the last update
        self.metrics, self.lines = run.path / "metrics.jsonl", list[str]()
        self.losses, self.start = list[float](), 0.0  # of this training; the learning rate that it rises from
        if run.checkpoint.exists():
            self._resume()
        write_text(self.metrics, "".join(self.lines))  # those after the checkpoint are written again

    def until_done(self) -> None:
        """Train to the last step, or until validation stops it; leave the run finished."""
        counters, saved, last = self.counters, time.monotonic(), self.begun + self.steps
        pieces = pieces_from(self.order, self.training.seed, counters.step)
        with _interruptible() as interrupted:
            for window in windows(self.order, pieces):
                if counters.step >= last or counters.stopped:
                    break
                began = time.perf_counter()
                rate, state = self._rate(), None if window.begins else self.carried
                if self.training.variable_truncation:
                    rate *= window.steps / self.training.truncation
                done = self.trainer.step(window.batch, counters.step, rate, state)
                self.carried = done.state
                counters.count(done, time.perf_counter() - began)
                if self.training.averaging == "last" and counters.step - self.begun == self.averages_from:
                    self.trainer.begin_averaging()
                if (counters.step - self.begun) % self.every == 0 or counters.step == last:
                    self._validate()
                if interrupted.is_set() or time.monotonic() - saved > CHECKPOINT_SECONDS:
                    self._save()
                    saved = time.monotonic()
                if interrupted.is_set():
                    raise KeyboardInterrupt
                self.progress(counters.step, last, counters.words())
        self._finish()

    def _rate(self) -> float:
        counters = self.counters
        return learning_rate(self.training, counters.step - self.begun, self.steps, counters.worse_in_all, self.start)

    def _validate(self) -> None:
        counters, began, rate = self.counters, time.perf_counter(), self._rate()
        with self.trainer.kept():
            loss = mean_loss(self.trainer.model, self.validation)
            if not math.isfinite(loss):
                raise DivergedError(
                    f"{self.run.path}: diverged (loss {loss} at step {counters.step}); lower --learning-rate or --clip"
                )
            if counters.judged(loss, self.training.patience, self.training.keep):
                write_weights(self.trainer.model, self.run.weights, self.run.identity)
        counters.seconds += time.perf_counter() - began
        averaged = {} if self.trainer.averaging is None else {"averaged": self.trainer.averaging.count}
        self._write_metrics({"learning_rate": rate, "validation_loss": loss, **averaged, **counters.since_last()})
        wanted = self.training.averaging == "non-monotone" and not averaged
        if wanted and averaging.begins(self.losses, loss, self.training.averaging_patience):
            self.trainer.begin_averaging()
            counters.worse, counters.stopped = 0, False  # patience counts anew, for other weights are judged
        self.losses.append(loss)
        self._save()

    def _save(self) -> None:
        if not is_run(self.run.path):
            raise StoredError(f"{self.run.path}: was removed, or settings.toml in it, while training went on")
        save(self.run, self.trainer.held(), self.carried, self.counters, self.lines)

    def _resume(self) -> None:
        path = self.run.checkpoint
        tree = checkpoints.read(path, self.run.identity)
        try:
            self.trainer.take_up(tree)
            counters = Counters(**{"best_here": tree["counters"]["best_loss"], **tree["counters"]})
            self.carried = cut_off(tree["carried"], self.trainer.device)
            curve = tree["curve"]
            lines = read_text(self.metrics, "the learning curve of a run").splitlines(keepends=True)
            self.lines = lines[: curve["lines"]]
            said = [json.loads(line) for line in self.lines]
            self.losses = [line["validation_loss"] for line in said if line["step"] > self.begun]
            before = [line["learning_rate"] for line in said if line["step"] <= self.begun]
        except (RuntimeError, *MALFORMED) as error:
            raise checkpoints.damaged(path, error) from None
        if digest_of(*self.lines) != curve["digest"]:
            raise StoredError(f"{self.metrics}: not as it was written; remove {self.run.path} and train again")
        if counters.longer < len(self.run.longer):  # the checkpoint is the end of the training before this one
            counters = replace(counters, best_here=math.inf, worse=0, worse_in_all=0, stopped=False)
            counters.longer = len(self.run.longer)
        self.counters, self.start = counters, before[-1] if before else 0.0
        if self.counters.best_step:
            load(self.run)  # the best weights so far may be those that training ends with

    def _write_metrics(self, line: dict[str, Any]) -> None:
        counters = self.counters
        head = {"step": counters.step, "seconds": round(counters.seconds, 2), "tokens": counters.tokens}
        self.lines.append(json.dumps({**head, **line}) + "\n")
        try:
            with self.metrics.open("a", encoding="utf-8") as file:
                file.write(self.lines[-1])
        except OSError as error:
            raise cannot_write(self.metrics, error) from error

    def _finish(self) -> None:
        counters = self.counters
        try:
            weights = digest_of_tensors(read_tensors(self.run.weights)[0])
        except (ValueError, OSError) as error:
            told = f"{self.run.weights}: damaged ({error}); remove {self.run.path} and train again"
            raise StoredError(told) from None
        end = Ended(
            steps=counters.step,
            seconds=round(counters.seconds, 2),
            tokens=counters.tokens,
            stopped_early=counters.stopped,
            tokens_per_second=counters.tokens / max(counters.seconds, 1e-9),
            validation_loss=counters.best_loss,
            best_step=counters.best_step,
            made_from=self.run.identity,
            weights=weights,
            metrics=digest_of(*self.lines),
        )
        write_json(self.run.path / "finished.json", asdict(end))
        self.run.checkpoint.unlink(missing_ok=True)


def save(run: Run, held: Mapping[str, Any], carried: Any, counters: Counters, lines: Sequence[str]) -> None:
    """Write the checkpoint of a run; `held` as from a Trainer, `lines` are the learning curve up to there."""
    curve = {"lines": len(lines), "digest": digest_of(*lines)}
    tree = {**held, "carried": carried, "counters": asdict(counters), "curve": curve}
    checkpoints.save(run.checkpoint, tree, run.identity)


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C sets, so that a step is never broken off in its middle."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = {each: signal.signal(each, lambda *_: event.set()) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
