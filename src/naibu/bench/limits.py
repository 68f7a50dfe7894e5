"""The arithmetic that a layer or a language model cannot do without, in flops: multiplications and additions.

Only the products of matrices are counted; sigmoids, sums over symbols, the softmax, Adam and all traffic of memory
are counted as nothing. Seconds at the limit are these flops at the peak measured in the same rounds (`peak.py`),
so that a ratio of 1 cannot be passed, and is near only where the products are all there is. With a single sequence
(batch 1) a step is a matrix times a vector, which memory limits, not arithmetic: there the ratio is small for
everybody.
"""

from __future__ import annotations

GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def layer_flops(cell: str, hidden: int, batch: int, steps: int, *, training: bool, inputs: int | None = None) -> float:
    """Return the flops of one pass over `[steps batch inputs]`, dense, from a state of zeros.

    Each gate has a product with the input at every step and one with the hidden state at every step but the
    first. Training has two more for each of them: the gradient of what it was multiplied with (so also of the
    input), and of the weight.
    """
    inputs = hidden if inputs is None else inputs
    rows = GATES[cell] * hidden
    return (3 if training else 1) * 2.0 * rows * batch * (steps * inputs + (steps - 1) * hidden)


def language_model_flops(
    cell: str,
    hidden: int,
    batch: int,
    steps: int,
    *,
    vocabulary: int,
    embedding: int,
    layers: int = 1,
    training: bool = True,
) -> float:
    """Return the flops of a language model: symbols in, scores of the next symbol out.

    Of the first layer, W_ih x is a row of the table W_ih E: the input's products are needed once for each symbol of
    the vocabulary, or for each position where these are fewer, not at every position. Their gradients likewise, since
    rows of the table's gradient are sums over positions, not products.
    """
    passes = 3 if training else 1
    rows = GATES[cell] * hidden
    table = min(vocabulary, steps * batch) * embedding * rows
    recurrent = (steps - 1) * batch * hidden * rows
    output = steps * batch * hidden * vocabulary
    above = (layers - 1) * layer_flops(cell, hidden, batch, steps, training=training)
    return passes * 2.0 * (table + recurrent + output) + above
