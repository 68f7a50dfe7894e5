"""Sums and maxima over all paths of tags in compiled code, in float64 whatever the type of the scores."""

from __future__ import annotations

import math

import numpy as np

from naibu.compiling import compiled
from naibu.data.examples import Array

TINY = 1e-280
"""A sum of exponentials below which it is taken once more, with a maximum of its own: its terms may have vanished."""
LARGE = 600.0
"""The log of a factor beyond which products are not taken of exponentials that may have vanished."""


@compiled
def forward(scores: Array, lengths: Array, pairs: Array, first: Array, alphas: Array) -> None:
    """Fill `alphas [time batch tag]`: log of the sum over all paths that end in a tag at a step.

    scores: [time batch tag]. pairs: [tag tag], from, to; -inf where forbidden. first: [tag].
    """
    tags = len(first)
    top = pairs.max()
    table = np.exp(pairs - top)
    sums = np.empty(tags)
    for row in range(len(lengths)):
        for tag in range(tags):
            alphas[0, row, tag] = first[tag] + scores[0, row, tag]
        for step in range(1, lengths[row]):
            before = alphas[step - 1, row]
            highest = before.max()
            sums[:] = 0.0
            for tag in range(tags):
                weight = math.exp(before[tag] - highest)
                for following in range(tags):
                    sums[following] += weight * table[tag, following]
            for tag in range(tags):
                total = math.log(sums[tag]) + highest + top if sums[tag] > TINY else exact(before, pairs[:, tag])
                alphas[step, row, tag] = total + scores[step, row, tag]


@compiled
def backward(scores: Array, lengths: Array, pairs: Array, last: Array, betas: Array) -> None:
    """Fill `betas [time batch tag]`: log of the sum over all that can follow a tag at a step, the tag itself left out.

    Arguments as for `forward`; last: [tag].
    """
    tags = len(last)
    top = pairs.max()
    table = np.exp(pairs - top).T.copy()  # [to from]
    sums, after = np.empty(tags), np.empty(tags)
    for row in range(len(lengths)):
        end = lengths[row] - 1
        betas[end, row] = last
        for step in range(end - 1, -1, -1):
            for tag in range(tags):
                after[tag] = scores[step + 1, row, tag] + betas[step + 1, row, tag]
            highest = after.max()
            sums[:] = 0.0
            for tag in range(tags):
                weight = math.exp(after[tag] - highest)
                for before in range(tags):
                    sums[before] += weight * table[tag, before]
            for tag in range(tags):
                total = math.log(sums[tag]) + highest + top if sums[tag] > TINY else exact(after, pairs[tag])
                betas[step, row, tag] = total


@compiled
def exact(before: Array, pairs: Array) -> float:
    """Return log sum exp(before + pairs), of the largest term first."""
    highest = -math.inf
    for tag in range(len(before)):
        highest = max(highest, before[tag] + pairs[tag])
    if highest == -math.inf:
        return highest
    total = 0.0
    for tag in range(len(before)):
        total += math.exp(before[tag] + pairs[tag] - highest)
    return highest + math.log(total)


@compiled
def expected(
    scores: Array, lengths: Array, pairs: Array, alphas: Array, betas: Array, totals: Array, here: Array, moved: Array
) -> None:
    """Fill how often each tag is to be expected at each step, `here [time batch tag]`, and add to `moved [tag tag]` how
    often one is to follow another; `totals [batch]` are the logs of the sums over all paths."""
    tags = pairs.shape[0]
    top = pairs.max()
    table = np.exp(pairs - top)
    before, after, far = np.empty(tags), np.empty(tags), np.empty(tags)
    for row in range(len(lengths)):
        for step in range(lengths[row]):
            for tag in range(tags):
                here[step, row, tag] = math.exp(alphas[step, row, tag] + betas[step, row, tag] - totals[row])
        for step in range(lengths[row] - 1):
            for tag in range(tags):
                far[tag] = scores[step + 1, row, tag] + betas[step + 1, row, tag]
            highest, furthest = alphas[step, row].max(), far.max()
            scale = highest + furthest + top - totals[row]
            if scale > LARGE:  # the likeliest tags of the two steps cannot follow each other
                for tag in range(tags):
                    for following in range(tags):
                        log = alphas[step, row, tag] + pairs[tag, following] + far[following] - totals[row]
                        moved[tag, following] += math.exp(log)
                continue
            for tag in range(tags):
                before[tag] = math.exp(alphas[step, row, tag] - highest + scale)
                after[tag] = math.exp(far[tag] - furthest)
            for tag in range(tags):
                for following in range(tags):
                    moved[tag, following] += before[tag] * table[tag, following] * after[following]


@compiled
def best(scores: Array, lengths: Array, pairs: Array, first: Array, last: Array, path: Array) -> None:
    """Fill `path [time batch]` with the best path of each row, -1 behind its end; of equal ones the lowest tags last.

    Arguments as for `forward`.
    """
    steps, tags = scores.shape[0], len(first)
    value, new, back = np.empty(tags), np.empty(tags), np.empty((steps, tags), np.int64)
    path[:] = -1
    for row in range(len(lengths)):
        for tag in range(tags):
            value[tag] = first[tag] + scores[0, row, tag]
        for step in range(1, lengths[row]):
            new[:] = -math.inf
            back[step] = 0
            for tag in range(tags):
                for following in range(tags):
                    reached = value[tag] + pairs[tag, following]
                    if reached > new[following]:
                        new[following], back[step, following] = reached, tag
            for tag in range(tags):
                value[tag] = new[tag] + scores[step, row, tag]
        end = lengths[row] - 1
        chosen = 0
        for tag in range(tags):
            if value[tag] + last[tag] > value[chosen] + last[chosen]:
                chosen = tag
        path[end, row] = chosen
        for step in range(end, 0, -1):
            chosen = back[step, chosen]
            path[step - 1, row] = chosen
