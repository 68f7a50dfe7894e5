"""Parts of speech of English text, as labels for `naibu record RUN --labels target:FILE`, from what a treebank knows.

A word is a verb (auxiliaries and modals too), a noun, a pronoun or something else where three quarters of its
occurrences in the treebank are that, whatever its case; words that are often two things, or never come, have no value.

    python examples/parts_of_speech.py gum_train.ptb.gz train.en dev.en > tags.en.tsv
"""

from __future__ import annotations

import gzip
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

GROUPS = {"VB": "verb", "MD": "verb", "NN": "noun", "PR": "pronoun", "WP": "pronoun"}
"""By the first two letters of a tag of the Penn Treebank."""
SURE = 0.75
LEAF = re.compile(r"\(([^\s()]+) ([^\s()]+)\)")


def lexicon(trees: str) -> dict[str, str]:
    """Return the part of speech of every word that is nearly always the same one, by trees in Penn's brackets."""
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for tag, word in LEAF.findall(trees):
        if tag != "-NONE-":
            seen[word.lower()][GROUPS.get(tag[:2], "other")] += 1
    first = {word: counts.most_common(1)[0] for word, counts in seen.items()}
    return {word: group for word, (group, count) in first.items() if count >= SURE * seen[word].total()}


def rows(lines: Iterable[str], known: dict[str, str]) -> Iterator[str]:
    """Yield the lines of a file of labels: a header, then a line for each word and an empty one behind each line."""
    yield "word\tpart"
    for line in lines:
        yield from (f"{word}\t{known.get(word.lower(), '_')}" for word in line.replace("\\", "\\\\").split())
        yield ""


def read(path: str | Path) -> str:
    """Return a text, packed or not."""
    data = Path(path).read_bytes()
    return (gzip.decompress(data) if str(path).endswith(".gz") else data).decode("utf-8")


if __name__ == "__main__":
    treebank, *texts = sys.argv[1:]
    lines = (line for text in texts for line in read(text).split("\n"))
    sys.stdout.write("\n".join(rows(lines, lexicon(read(treebank)))) + "\n")
