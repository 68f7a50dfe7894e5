"""What is asked for of the study: on which corpus, and which version."""

from __future__ import annotations

import shlex
from dataclasses import KW_ONLY, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from naibu.config import as_typed
from naibu.data import builtin
from naibu.data.reading import is_builtin
from naibu.errors import CorpusError, OptionError
from naibu.tasks.trees import ReaderName

if TYPE_CHECKING:
    from naibu.papers.mochihashi2019.study import Study


@dataclass(frozen=True)
class Asked:
    """The corpus and its options as typed; without any, what every machine has."""

    treebank: Path = Path(builtin.NAME)
    """Treebank or source code, as for naibu look; when not given, Python's standard library."""
    _: KW_ONLY
    test: Path | None = None
    """A file or folder to score on, in place of a tenth of the corpus."""
    reader: ReaderName | None = None
    """How to read the files; found from their content when not given."""
    category: str | None = None
    """The phrase to probe, IP for example; when not given VP, or the one that half the text is inside."""
    vocabulary: int = 10_000
    """Symbols at most; rarer ones become <unk>."""
    longest: int | None = None
    """Leave out sequences with more symbols; 300 for source code when not given, 0 for no limit."""
    function_tags: bool = False
    """Keep function tags: NP-SBJ and NP are two categories then."""
    full: bool = False
    """The document's own sizes, 1000 units and two rates of dropout, for a GPU."""
    longer: int = 1
    """Train every network of the study so many times as long, in a folder of its own."""

    def __post_init__(self) -> None:
        if self.longer < 1:
            raise OptionError(f"--longer {self.longer}: must be at least 1")

    def study(self, folder: Path, quick: bool) -> Study:
        """Return the study under a folder. Raises OptionError or CorpusError for what cannot be."""
        from naibu.papers.mochihashi2019.networks import DEFAULT, FULL, QUICK
        from naibu.papers.mochihashi2019.study import Study

        if quick and self.full:
            raise OptionError("--full: a quick version of the full study there is not; leave --quick or --full out")
        if not self.treebank.exists() and not is_builtin(self.treebank):
            raise CorpusError(f"there is no such file or folder (always there: {builtin.NAME})", self.treebank)
        options = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("treebank", "full", "longer")}
        kept: dict[str, Any] = {"traces": False, "labels": None, "seed": 1} | options
        kept["test"] = None if self.test is None else str(self.test.resolve())
        corpus = builtin.NAME if is_builtin(self.treebank) else str(self.treebank.resolve())
        size = QUICK if quick else FULL if self.full else DEFAULT
        return Study(folder, corpus, tuple(sorted(kept.items())), size.longer(self.longer))

    def typed(self, quick: bool, **other: Any) -> str:
        """Return the command line that asks for this, with some of it otherwise."""
        asked = replace(self, treebank=Asked.treebank, **other)
        words = [] if is_builtin(self.treebank) else [str(self.treebank)]
        words += [*as_typed(asked), *["--quick"] * quick]
        return shlex.join(["naibu", "papers", "mochihashi2019", *words])
