"""The sentences of "what we found", where something was found and where not; and how numbers are written."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

import fake_results as fake
from fake_results import SIGNALS
from naibu.looking.analyses.confusion import prediction
from naibu.looking.analyses.following import following
from naibu.looking.analyses.holding import cause
from naibu.looking.analyses.l1 import few_units, fewest
from naibu.looking.analyses.overlap import telling_apart
from naibu.looking.subject import README, made_from
from naibu.looking.summary import summary_of
from naibu.probes.results import Controls, Score, Scores
from naibu.reporting import Report, numbers, words
from naibu.reporting.page import render
from naibu.reporting.terminal import summary_table


def test_prediction_better_than_the_commonest_symbol_is_told_with_the_ends() -> None:
    found = prediction(fake.confusion())
    assert found.present
    assert "right in 61.9\u202f% [61.4\u202f%, 62.4\u202f%] of the places in unseen sequences" in found.text
    assert "always giving the most frequent answer is right in 21.9\u202f%" in found.text
    assert "foresees 99.96\u202f%" in found.text


def test_prediction_no_better_than_the_commonest_symbol_is_told() -> None:
    found = prediction(fake.confusion(0.22))
    assert not found.present
    assert "has not learnt to predict" in found.text


def test_ends_that_an_untrained_network_foresees_as_well_are_no_achievement() -> None:
    good = Controls(untrained=fake.scores(1.0, 0.0))
    both = replace(fake.confusion(), end_recall_controls=good, end_precision_controls=good)
    assert "but so does the untrained network" in prediction(both).text
    everywhere = replace(fake.confusion(), end_recall_controls=good, end_precision_controls=fake.controls(0.014))
    assert "but so does" not in prediction(everywhere).text
    assert "ends of sequence" not in prediction(fake.confusion(end=None)).text


def test_a_unit_that_counts_is_told_beside_the_hidden_state_and_the_controls() -> None:
    found = following(fake.correlation())
    assert found.present
    assert "Unit 17 of the cell counts the nesting, rising in step with the depth" in found.text
    assert "0.9994 [0.9992, 0.9996] on unseen sequences" in found.text
    assert "best unit of the hidden state: 0.7" in found.text
    assert "untrained network: 0.608" in found.text


def test_a_unit_that_falls_is_told_as_falling() -> None:
    found = following(fake.correlation("depth:VP", -0.93))
    assert found.present
    assert "falls as the VP depth (how many VP brackets are open) rises" in found.text


@pytest.mark.parametrize(("best", "how"), [(0.8, "partly"), (0.3, "hardly")])
def test_a_unit_below_point_nine_is_not_told_as_following(best: float, how: str) -> None:
    found = following(fake.correlation(best=best))
    assert not found.present
    assert f"No unit follows the depth closely: the best, unit 17 of the cell, does so {how}" in found.text


def test_a_unit_no_better_than_untrained_is_no_sign_of_learning() -> None:
    found = following(fake.correlation(best=0.95, untrained=0.97))
    assert not found.present
    assert "no sign of learning" in found.text


def test_an_undefined_correlation_is_not_a_finding() -> None:
    assert not following(fake.correlation(best=math.nan)).present


def test_one_unit_telling_apart_is_told_and_few_units() -> None:
    found = telling_apart(fake.overlap())
    assert found.present
    assert "Unit 5 of the cell alone tells what is inside a VP from what is not" in found.text
    found = few_units(fake.l1_path())
    assert found.present
    assert "Together, 20 units of the 40 of the cell tell what is inside a VP from what is not" in found.text


def test_few_units_no_better_than_a_control_are_not_a_finding() -> None:
    """As good as the commoner answer, or as the untrained network's units at the same price: nothing is shown."""
    path = fake.l1_path()
    as_good = replace(fewest(path), controls=fake.controls(untrained=0.999))
    for changed in (replace(path, majority=fake.scores(0.999)), replace(path, strengths=(as_good,))):
        found = few_units(changed)
        assert not found.present
        assert "is not shown: 20 units of the 40" in found.text
    assert not few_units(replace(path, strengths=())).present


def test_labels_that_are_no_phrase_are_told_by_their_values() -> None:
    found = telling_apart(replace(fake.overlap(), label="rush_hour", values=("no", "yes")))
    assert "Unit 5 of the cell alone tells places where rush hour is yes from all others" in found.text
    assert "its values where rush hour is yes and elsewhere overlap" in found.text


@pytest.mark.parametrize(
    ("overlap", "says"),
    [
        (fake.overlap(0.4), "only in part"),
        (fake.overlap(0.95), "No single unit"),
        (fake.overlap(0.2, untrained=0.1), "No single"),
    ],
)
def test_an_overlap_near_its_controls_is_not_a_finding(overlap: object, says: str) -> None:
    found = telling_apart(overlap)  # type: ignore[arg-type]
    assert not found.present
    assert says in found.text


def test_the_fewest_units_are_those_within_the_interval_of_the_best() -> None:
    path = fake.l1_path()
    least = max(row.of_units.unseen.low for row in path.strengths if row.nonzero == 31)
    assert [row.nonzero for row in path.strengths if row.of_units.unseen.value >= least] == [20, 31]
    assert fewest(path).nonzero == 20
    assert fewest(fake.l1_path(0.9996)).nonzero == 31
    assert fewest(fake.l1_path(0.95)).nonzero == 7
    assert "always saying the commoner answer: 68.9" in few_units(path).text
    assert "the best, 31 units: 99.7" in few_units(path).text
    assert "the best, " not in few_units(fake.l1_path(0.9996)).text


def test_a_unit_that_matters_more_than_all_random_ones_is_used() -> None:
    found = cause(fake.holding())
    assert found.present
    assert "foresees 3.0\u202f%" in found.text
    assert "instead of 99.93" in found.text
    assert "worst of 10" in found.text
    assert "Its loss goes from 1.209 to 2.179." in found.text


@pytest.mark.parametrize(
    ("holding", "reason"),
    [
        (fake.holding(0.9995), "next to nothing changes"),
        (fake.holding(0.8, random=0.5), "a random unit can matter as much"),
        (fake.holding(0.03, draws=0), "there is nothing to compare with"),
        (fake.holding(1.1, random=0.99), "predicts no worse"),
    ],
)
def test_an_intervention_that_shows_nothing_says_why(holding: object, reason: str) -> None:
    found = cause(holding)  # type: ignore[arg-type]
    assert not found.present
    assert "is not shown" in found.text
    assert found.text.endswith(f"{reason}.")


def test_an_intervention_without_ends_is_judged_by_the_loss() -> None:
    found = cause(fake.holding(ends=False))
    assert found.present
    assert "predicts with a loss of" in found.text
    assert not cause(replace(fake.holding(), effects=())).present


def test_a_unit_that_costs_loss_alone_is_used_all_the_same() -> None:
    """Ends stay foreseen, but every prediction is dearer, by more than any random unit costs."""
    whole = fake.holding(held=0.9995)
    costs = {"before": 0.0, "held": 0.2, "random": 0.01, "gates": 2.0}
    dear = tuple(replace(e, loss_change=fake.scores(costs[e.kind])) for e in whole.effects)
    assert not cause(whole).present
    found = cause(replace(whole, effects=dear))
    assert found.present
    assert "its loss rises by 0.199" in found.text or "its loss rises by 0.2" in found.text
    cheap = tuple(replace(e, loss_change=fake.scores(0.01)) for e in whole.effects)
    assert not cause(replace(whole, effects=cheap)).present


def test_a_network_without_results_has_no_findings() -> None:
    assert fake.bare().told().findings == ()
    assert len(fake.network().told().findings) == 6


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9994, "0.9994"), (-0.931, "−0.931"), (0.0, "0.000"), (12.314, "12.31"), (1204.4, "1,204"),
        (3.1e-7, "3.1 × 10⁻⁷"), (-1e-13, "−1.0 × 10⁻¹³"), (0.0123, "0.012"), (0.00123, "0.0012"), (1.0, "1.000"),
        (None, "–"), (math.nan, "–"), (math.inf, "–"), (0.99999999, "1.000000"), (3.0, "3"),
    ],
)  # fmt: skip
def test_numbers(value: float | None, text: str) -> None:
    assert numbers.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.619, "61.9 %"),
        (1.0, "100 %"),
        (0.0, "0 %"),
        (0.9996, "99.96 %"),
        (0.00012, "0.01 %"),
        (None, "–"),
        (math.nan, "–"),
    ],
)
def test_shares(value: float | None, text: str) -> None:
    assert numbers.share(value).replace("\u202f", " ") == text


def test_an_interval_has_as_many_decimals_as_it_needs() -> None:
    assert numbers.with_interval(Score(0.99931, 0.99927, 0.99934, 1, 1)) == "0.99931 [0.99927, 0.99934]"
    assert numbers.with_interval(Score(0.93, 0.92, 0.94, 1, 1)) == "0.930 [0.920, 0.940]"
    assert numbers.with_interval(Score(0.93, math.nan, math.nan, 1, 1)) == "0.930 [–, –]"
    assert numbers.with_interval(fake.NOTHING) == "–"
    assert numbers.with_interval(None) == "–"


def test_counts_and_durations() -> None:
    assert numbers.count(1234567) == "1,234,567"
    assert [numbers.duration(x) for x in (35.4, 600, 9000, None)] == ["35 s", "10 min", "2.5 h", "–"]


def test_words() -> None:
    assert [words.article(x) for x in ("VP", "NP", "SBAR", "If", "Call")] == [
        "a VP",
        "an NP",
        "an SBAR",
        "an If",
        "a Call",
    ]
    assert words.visible("a b\n\x07") == "a␣b⏎\\x07"
    assert words.shortened("abcdefghijklmnopqrstuvwxyz") == "abcdefgh…vwxyz"
    assert words.label_name("inside:NP") == "inside an NP"
    assert words.headline(Scores(fake.score(0.5), None))[1] == "test"


def test_the_terminal_shows_the_main_numbers_and_takes_no_symbol_for_markup() -> None:
    console = Console(width=200, record=True, file=io.StringIO())
    parts = (fake.short("[bold]name").told("a"), fake.bare().told("b"))
    console.print(summary_table(Report("[red]t", "", "", parts)))
    text = console.export_text()
    for wanted in (
        "[bold]name",
        "10,123",
        "3.350 / 3.340",
        "0.9994 [0.9992, 0.9996]",
        "20 of 40 units",
        "99.93",
        "hidden state",
    ):
        assert wanted in text, wanted
    assert summary_table(fake.report(fake.bare())).row_count == 0


def test_lines_that_one_network_alone_has_stand_in_their_place() -> None:
    first, second = (replace(fake.bare().told(), lines=dict.fromkeys(lines, "1")) for lines in ("ad", "abcd"))
    for parts in ((first, second), (second, first)):
        table = summary_table(Report("t", "", "", parts))
        assert list(table.columns[0].cells) == ["a", "b", "c", "d"]
    assert [str(cell) for cell in summary_table(Report("t", "", "", (first, second))).columns[1].cells] == list("1––1")


def test_undefined_numbers_are_dashes_everywhere() -> None:
    nothing = Scores(fake.NOTHING, None)
    confusion = replace(fake.confusion(), end_recall=nothing, end_precision=nothing, perplexity=nothing)
    lines = fake.bare(confusion=confusion).told().lines
    assert "nan" not in prediction(confusion).text
    assert lines
    assert all("nan" not in line for line in lines.values())
    assert np.isnan(confusion.recall).any()


def test_the_runner_up_is_named_with_the_way_it_goes() -> None:
    found = fake.correlation()
    best = found.signals[SIGNALS.index("cell")]
    train = best.train_pearson.copy()
    alone = following(found).text
    assert f"The next of its units, {int(np.argsort(-np.abs(train))[1])}, reaches no more than" in alone
    train[23] = -0.97
    two = replace(found, signals=tuple(replace(s, train_pearson=train) if s is best else s for s in found.signals))
    assert following(two).text.endswith("17 rises, 23 falls (−0.970 in training); 2 units reach 0.9 there.")


def test_the_first_screen_speaks_of_the_unit_that_the_sections_name_whichever_was_held() -> None:
    """Somebody held unit 3: the proof is then of unit 17, held beside it; without it nothing is said to be proved."""
    whole = fake.holding(held=0.5)
    asked = replace(whole.of("held")[0], units=(3,), what="unit 3 of cell held at 1")
    named = replace(fake.holding().of("held")[0], kind="named", labels=("depth",))
    rest = [effect for effect in whole.effects if effect.kind != "held"]
    both = replace(whole, unit=3, effects=(*rest, asked, named))
    proof = fake.network().having(holding=both).told().opening.proof
    assert "of the ends of sequence it foresees 3.0\u202f% instead of 99.93" in proof
    assert fake.network().having(holding=both).section("holding").title == (
        "Does the network use the unit that was asked for?"
    )
    one = fake.network().having(holding=replace(whole, unit=3, effects=(*rest, asked))).told().opening.proof
    assert "Whether the network needs it was not tried." in one
    held = replace(whole.of("held")[0], labels=("depth",))
    best = fake.network().having(holding=replace(whole, effects=(*rest, held))).section("holding")
    assert best.title == "Does the network use the unit that follows the depth best?"


def test_page_terminal_and_summary_have_the_same_numbers_each_with_its_split() -> None:
    network = fake.network()
    part, found = network.told(), summary_of(network.subject, network)["analyses"]
    r, ends, few = found["depth"]["signals"]["cell"], found["holding"]["end_recall"], found["l1"]["fewest"]
    line = part.lines["best unit with the depth, r, test / unseen"]
    assert line.startswith(
        f"{numbers.number(r['r'])} / {numbers.number(r['unseen'])} [{numbers.number(r['unseen_low'])}"
    )
    assert f"r\u00a0=\u00a0{numbers.number(r['unseen'])}" in part.opening.proof
    assert numbers.share(ends["unseen"]["unit_held"]) in part.opening.proof
    assert numbers.share(ends["unseen"]["unit_held"]) in part.lines["unit held: before → held, unseen"]
    line = part.lines["inside or not, few units, test / unseen"]
    assert line.startswith(f"{few['nonzero']} of 40 units: {numbers.share(few['accuracy'])}")
    assert few["nonzero"] == 20
    assert f"the best, {found['l1']['most_accurate']['nonzero']}: " in line


@pytest.mark.parametrize(
    ("options", "versions", "says"),
    [
        ({}, {}, ""),
        ({}, {"python": "3.12.1"}, "Python 3.12.1, there 3.11.7"),
        ({}, {"naibu": "0.0.9", "fingerprint": 64 * "f"}, "naibu 0.0.9, there 0.1.0; fingerprint ffffffffffff"),
        ({"form": "tagged"}, {"python": "3.12.1"}, ""),
        ({"corpus": "/a/b.mrg"}, {"python": "3.12.1"}, ""),
    ],
)
def test_a_page_says_which_corpus_it_is_of_and_where_it_is_not_that_of_the_readme(options, versions, says) -> None:
    made = {**README, **versions}
    run = SimpleNamespace(
        options={"corpus": "standard-library", "form": "brackets", **options}, found={"name": "b"}, versions=made,
        fingerprint=made["fingerprint"],
    )  # fmt: skip
    corpus, differs = made_from(run)
    assert f"fingerprint {made['fingerprint'][:12]}; read and learnt with naibu {made['naibu']}" in corpus
    assert corpus.startswith("b," if "corpus" in options else f"the standard library of Python {made['python']},")
    assert (says in differs) if says else differs == ""
    network = fake.bare()
    page = render(fake.report(replace(network, subject=replace(network.subject, corpus=corpus, differs=differs))))
    assert f"{network.subject.name}: {corpus}." in page
