"""What is studied, and each network of it as one job: trained, recorded, probed, and held still."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from shutil import rmtree
from typing import Any, TypeVar

from naibu.data import builtin
from naibu.data.corpus import Corpus, open_corpus
from naibu.looking.analysis import top_layer
from naibu.looking.look import write_facts
from naibu.looking.places import Places
from naibu.looking.probing import probe_run
from naibu.looking.rounding import ternary_run
from naibu.looking.steps import intervene_run, record_run
from naibu.papers.mochihashi2019.networks import DEFAULT, FORMS, Network, Size
from naibu.probes import tables
from naibu.probes.l1_path import l1_path
from naibu.progress import Report, part_of, silent
from naibu.runs import open_run
from naibu.storage import read_json, write_json
from naibu.training.train import train

Result = TypeVar("Result")

STAGES = {"training": 0.75, "recording": 0.05, "probing": 0.12, "intervening": 0.08}
"""The stages of a network, and about what share of its time each takes."""

WIDE = 1000
"""Symbols of a vocabulary from which fewer sequences are scored under an intervention: its output layer costs most."""


@dataclass(frozen=True)
class Study:
    """A study: a corpus with its options, the networks trained on it, and the folder that all of it lies in."""

    folder: Path
    corpus: str = builtin.NAME
    """A treebank or source code, as `naibu look` takes it."""
    options: tuple[tuple[str, Any], ...] = ()
    """Options of `open_corpus` that are not as usual, by name."""
    size: Size = DEFAULT

    @property
    def out(self) -> Path:
        """The folder of this corpus and version, a folder in it for each network, as that of `naibu look`."""
        stem = re.sub(r"[^A-Za-z0-9-]+", "-", Path(self.corpus).name.partition(".")[0]).strip("-") or "corpus"
        return self.folder / (stem if self.size == DEFAULT else f"{stem}-{self.size.name}")

    def open(self, form: str) -> Corpus:
        """Return the corpus in a form, with the phrase that type 1 probes; read once in a process."""
        found = _opened(self.corpus, form, self.options)
        phrase = _opened(self.corpus, FORMS[1], self.options).category
        if found.category == phrase:
            return found
        return _opened(self.corpus, form, tuple(sorted({**dict(self.options), "category": phrase}.items())))

    def judges(self, label: object) -> bool:
        """Return whether the document speaks of a label: of verb phrases, or of what was asked for in their place."""
        return str(label).endswith(":VP") or dict(self.options).get("category") is not None

    @property
    def title(self) -> str:
        """What the corpus is called in a sentence."""
        return "Python's standard library" if self.corpus == builtin.NAME else Path(self.corpus).name

    def places(self, network: Network) -> Places:
        """Return the folders of a network that is trained."""
        return Places(open_run(self.out / network.name))

    def jobs(self) -> list[NetworkJob]:
        """Return a job for each network, those that take longest first; where halves are trained too, of each one."""
        halves = [network.half for network in self.networks] if self.size.halved else []
        by_cost = sorted([*self.networks, *halves], key=lambda n: -n.steps * n.units * (20 if n.type > 2 else 1))
        return [NetworkJob(self, network) for network in by_cost]

    @property
    def networks(self) -> tuple[Network, ...]:
        """The networks of this version."""
        return self.size.networks


@cache
def _opened(path: str, form: str, options: tuple[tuple[str, Any], ...]) -> Corpus:
    return open_corpus(path, form=form, **dict(options))


@dataclass(frozen=True)
class NetworkJob:
    """One network from training to interventions, as a job for `run_parallel`; every stage goes on where it was."""

    study: Study
    network: Network

    @property
    def name(self) -> str:
        """The network's name."""
        return self.network.name

    @property
    def _stages(self) -> list[str]:
        """All stages; of a half none of its units is held, for nobody asks of it what they do."""
        return [stage for stage in STAGES if not (self.network.halved and stage == "intervening")]

    @property
    def _note(self) -> Path:
        return self.study.out / self.name / "results" / "study.json"

    def _settings(self) -> dict[str, Any]:
        size = self.study.size
        tokens = {"train": size.train_tokens, "test": size.test_tokens, "held": size.held_tokens}
        corpus = self.study.open(self.network.form).fingerprint
        network = {name: value for name, value in asdict(self.network).items() if name != "halved"}
        return {"network": network, "tokens": tokens, "corpus": corpus}

    def _done(self) -> list[str]:
        """Return the stages that are done of this very network, on this very corpus."""
        there = read_json(self._note, "what was studied") if self._note.exists() else {}
        stages: list[str] = there.get("done", []) if there.get("settings") == self._settings() else []
        return stages

    def finished(self) -> bool:
        """Return whether all stages of this very network are done."""
        return set(self._done()) >= set(self._stages)

    def run(self, progress: Report = silent) -> None:
        """Do all stages that are not done. What is there of other settings is removed, but never a training.

        Raises StoredError where the folder holds a training of another corpus or with other settings.
        """
        corpus, share, done = self.study.open(self.network.form), _Shares(progress), self._done()
        model, training = self.network.configs(len(corpus.vocabulary))
        told = share.stage("training")
        run = train(corpus, out=self.study.out / self.name, model=model, training=training, progress=told)
        places = Places(run)
        if not done:
            rmtree(places.results, ignore_errors=True)
        write_facts(places, corpus)
        stages = {"recording": self._record, "probing": self._probe, "intervening": self._intervene}
        for stage, do in stages.items():
            if stage in self._stages and stage not in done:
                with part_of(share.stage(stage)):
                    do(places, corpus)
                done = list(dict.fromkeys([*done, "training", stage]))
                write_json(self._note, {"settings": self._settings(), "done": done})

    def _record(self, places: Places, corpus: Corpus) -> None:
        size = self.study.size
        record_run(places, corpus, symbols={"train": size.train_tokens, "test": size.test_tokens})

    def _probe(self, places: Places, corpus: Corpus) -> None:
        probe_run(places, missing_only=True)
        if self.network.type == 4 and not (places.results / "l1-raw.json").exists():
            recording, control = places.open_recordings()
            key = (top_layer(recording), "cell")
            raw = l1_path(recording, f"inside:{corpus.category}", key, standardise=False, untrained=control)
            tables.save(raw, places.results, "l1-raw")

    def _intervene(self, places: Places, corpus: Corpus) -> None:
        size = self.study.size
        tokens = size.test_tokens if len(corpus.vocabulary) < WIDE else size.held_tokens
        for name, do in (("holding", intervene_run), ("ternary", ternary_run)):
            if not (places.results / f"{name}.json").exists():
                do(places, corpus, test_tokens=tokens)


class _Shares:
    """Progress of all stages as a part of 1."""

    def __init__(self, progress: Report) -> None:
        self.progress = progress

    def stage(self, name: str) -> Report:
        """Return the report of one stage; it says where the whole is by about what share each stage takes."""
        before = sum(list(STAGES.values())[: list(STAGES).index(name)])

        def report(done: float, total: float, words: str = "") -> None:
            self.progress(before + STAGES[name] * min(1.0, done / total if total else 0.0), 1.0, words)

        return report


def result(study: Study, network: Network, kind: type[Result], name: str) -> Result | None:
    """Return a result of a network, None where that probe did not apply."""
    folder = study.out / network.name / "results"
    return tables.load(kind, folder, name) if (folder / f"{name}.json").exists() else None
