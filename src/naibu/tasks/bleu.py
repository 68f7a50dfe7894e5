"""BLEU and chrF of translations, as sacrebleu has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from naibu.errors import OptionError

TokenizeName = Literal["none", "13a", "char", "ja-mecab"]
UNSPACED = (("\u3040", "\u30ff"), ("\u3400", "\u4dbf"), ("\u4e00", "\u9fff"), ("\uff66", "\uff9f"))
"""Letters of scripts that are written without blanks: kana and Chinese characters."""


def bleu(translations: Sequence[str], references: Sequence[str], tokenize: TokenizeName) -> dict[str, Any]:
    """Return `bleu` and `chrf`, from 0 to 100, `signature`, by which others know how it was computed, and
    `length_ratio`, the words of the translations over those of the references.

    Source: Papineni et al. 2002 and Popović 2015, in the form of Post 2018. Raises OptionError where sacrebleu, or for
    ja-mecab its tokenizer, is missing.
    """
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
    except ImportError:
        told = "BLEU needs sacrebleu, an extra: pip install -c constraints.txt '.[text]'"
        raise OptionError(told) from None
    try:
        metric = BLEU(tokenize=tokenize, force=True)
    except (ImportError, RuntimeError):
        told = "needs mecab-python3 and ipadic: pip install 'sacrebleu[ja]'"
        raise OptionError(f"--tokenize {tokenize}: {told}") from None
    found = metric.corpus_score(list(translations), [list(references)])
    chrf = CHRF().corpus_score(list(translations), [list(references)])
    return {
        "bleu": found.score,
        "chrf": chrf.score,
        "signature": str(metric.get_signature()),
        "length_ratio": found.sys_len / max(1, found.ref_len),
    }


def chrf_of_each(translations: Sequence[str], references: Sequence[str]) -> list[float]:
    """Return the chrF of every translation alone, from 0 to 100."""
    from sacrebleu.metrics.chrf import CHRF

    metric = CHRF()
    pairs = zip(translations, references, strict=True)
    return [metric.sentence_score(translation, [reference]).score for translation, reference in pairs]


def usual_tokenize(references: Sequence[str]) -> TokenizeName:
    """Return how references are cut where nobody says: "char" where most letters are of a script without blanks, as
    those of Japanese and Chinese, else "13a"."""
    letters = [letter for line in references for letter in line if letter.isalpha()]
    unspaced = sum(any(low <= letter <= high for low, high in UNSPACED) for letter in letters)
    return "char" if 2 * unspaced > len(letters) else "13a"


def check_tokenize(name: str | None) -> None:
    """Raise OptionError for a tokenizer that there is not."""
    if name is not None and name not in get_args(TokenizeName):
        raise OptionError(f"--tokenize {name}: must be one of {', '.join(get_args(TokenizeName))}")
