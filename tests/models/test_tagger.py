"""The tagger's parts that the general tests of models do not see: paths of tags, spans told, letters of words."""

from __future__ import annotations

import itertools
import random

import pytest
import torch

from naibu.data.span_schemes import spans_of, tags_of_kinds
from naibu.models.parts.span_tags import allowed, span_columns

KINDS = ("X", "Y")


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
def test_allowed_paths_are_those_in_which_no_span_is_stray_or_open(scheme):
    names = tags_of_kinds(KINDS, scheme)
    may = allowed(len(names), len(KINDS))
    for path in itertools.product(range(len(names)), repeat=3):
        fits = may.first[path[0]] and may.last[path[-1]] and all(may.pairs[a, b] for a, b in itertools.pairwise(path))
        tags = [names[number] for number in path]
        found = spans_of(tags, scheme)
        whole = all(tags[span.stop - 1][0] in "ES" and (span.stop - span.start == 1) == (tags[span.start][0] == "S")
                    for span in found.found)  # fmt: skip
        assert bool(fits) == (not found.stray and (scheme == "IOB2" or whole)), tags


def test_tags_that_mark_no_spans_may_follow_each_other_all():
    assert all(bool(part.all()) for part in allowed(5, 0))


@pytest.mark.parametrize("scheme", ["IOB2", "BIOES"])
def test_spans_told_are_counted_as_spans(scheme):
    names, rng = tags_of_kinds(KINDS, scheme), random.Random(3)
    may = allowed(len(names), len(KINDS))

    def path(length):
        while True:
            found = rng.choices(range(len(names)), k=length)
            pairs = all(may.pairs[a, b] for a, b in itertools.pairwise(found))
            if pairs and may.first[found[0]] and may.last[found[-1]]:
                return found

    lengths = [1, 2, 3, 4, 4, 3]
    rows = [(path(n), path(n)) for n in lengths for _ in range(12)]
    rows += [(one, one) for one, _ in rows]
    gold, told = (torch.full((5, len(rows)), -1) for _ in range(2))
    for row, pair in enumerate(rows):
        for column, tags in zip((gold, told), pair, strict=True):
            column[: len(tags), row] = torch.tensor(tags)
    found = span_columns(gold, told, len(names), len(KINDS))
    assert found["span_right"].sum() > 20
    for row, pair in enumerate(rows):
        one, other = (set(spans_of([names[tag] for tag in tags], scheme).found) for tags in pair)
        assert int(found["span_gold"][:, row].sum()) == len(one)
        assert int(found["span_told"][:, row].sum()) == len(other)
        assert int(found["span_right"][:, row].sum()) == len(one & other)
