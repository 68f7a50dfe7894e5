"""Translations on the page: pairs as they were recorded, sentences translated live, units held, the search's tree."""

from __future__ import annotations

import random
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

import naibu
from naibu.cli import main
from naibu.errors import OptionError
from naibu.generation.forced import forced
from naibu.generation.options import SearchOptions
from naibu.looking.beam_tree import tree_of
from naibu.looking.translating import Asked, Translator
from naibu.recording.alignment import alignment
from naibu.viewer.exhibits import open_exhibits
from naibu.viewer.pairs import pair, translate
from naibu.viewer.questions import Questions

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SENTENCE, HOLD = "a b c d", "decoder.0/hidden:3=9"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A network that has learnt a little to say letters in capitals, backwards, recorded."""
    folder, draw = tmp_path_factory.mktemp("pairs"), random.Random(1)
    sources = [[draw.choice("abcdef") for _ in range(draw.randint(1, 5))] for _ in range(200)]
    (folder / "p.tsv").write_text("".join(f"{' '.join(x)}\t{' '.join(x[::-1]).upper()}\n" for x in sources))
    run = folder / "run"
    words = [str(folder / "p.tsv"), "--level", "word", "--units", "16", "--steps", "60", "--validation", ".1"]
    assert main(["train", "translation", *words, "--threads", "1", "--out", str(run)]) == 0
    assert main(["record", str(run), "--positions", "300"]) == 0
    questions = Questions(open_exhibits([run]))
    return SimpleNamespace(run=naibu.open_run(run), questions=questions, room=questions.room("0"))


def test_a_pair_is_shown_as_it_was_recorded(made):
    recording = made.room.exhibit.recording
    for number in (0, 3, len(recording.index.starts) - 2):
        found, wanted = pair(made.room, {"sequence": str(number)}), alignment(recording, number)
        assert (tuple(found["source"]), tuple(found["target"])) == (wanted.source, wanted.target)
        np.testing.assert_allclose(found["attention"], wanted.weights, atol=1e-4)
        assert found["sentence"].split() == found["source"][:-1]
    with pytest.raises(OptionError, match="sequence"):
        pair(made.room, {"sequence": "9999999"})


@pytest.mark.parametrize("beam", [1, 5])
def test_a_sentence_is_translated_as_the_command_does_it_free_and_held(made, beam):
    found = translate(made.room, {"text": SENTENCE, "beam": beam, "holds": [HOLD]})
    for name, hold in (("free", []), ("held", [HOLD])):
        (wanted, *_), told = naibu.translate(made.run, SENTENCE, beam=beam, hold=hold)[0], found[name]
        assert told["text"] == wanted.text
        assert told["log_probability"] == pytest.approx(wanted.found.log_probability, abs=1e-4)
        assert np.shape(told["attention"]) == (len(told["target"]), len(told["source"]))
        np.testing.assert_allclose(np.sum(told["attention"], 1), 1, atol=1e-3)
    assert found["free"]["tree"] != found["held"]["tree"]
    assert found["free"]["attention"] != found["held"]["attention"]
    again = translate(made.room, {"text": SENTENCE, "beam": beam})
    assert (again["free"], again["held"]) == (found["free"], None)  # what was held is let go of


def test_a_unit_of_the_encoder_is_held_too(made):
    found = translate(made.room, {"text": SENTENCE, "holds": ["encoder.0/hidden:2=9@0:2"]})
    assert found["held"]["attention"] != found["free"]["attention"]


def paths(node, before=()):
    """Every path of a tree with what its end says."""
    for each in node["next"]:
        yield (*before, each["symbol"]), each
        yield from paths(each, (*before, each["symbol"]))


@pytest.mark.parametrize("hold", [(), (HOLD,)])
def test_the_tree_has_all_that_the_search_kept_with_its_probability(made, hold):
    """Every path of the tree, read by the network as it stands, has the probability that is told of it; the best ends
    are the translations found."""
    translator = Translator(made.run, Asked(SearchOptions(beam=4), n_best=4, hold=hold))
    found, tree = translator.with_tree(SENTENCE)
    coder, known = translator.coder, dict(paths(tree))
    batch = naibu.data.parallel.source_batch(coder.encode([SENTENCE]), np.arange(1))
    ended = {path for path, node in known.items() if "score" in node}
    assert len(known) > 8
    for path, node in known.items():
        symbols = tuple(coder.target.vocabulary.index[each] for each in path if path not in ended or each != "</s>")
        with translator._stepper.held():
            (read,) = forced(translator._stepper, batch, [symbols])
        total = read.log_p.sum() if path in ended else read.log_p[: len(symbols)].sum()
        assert node["log_probability"] == pytest.approx(total, abs=1e-4)
    spelt = [" ".join(path[:-1]) for path in sorted(ended, key=lambda path: -known[path]["score"])]
    assert spelt == [each.text for each in found]
    assert [" ".join(path[:-1]) for path in ended if known[path]["best"]] == [found[0].text]
    assert {node["best"] for path, node in known.items() if path == path[: len(path)]} == {True, False}
    assert [each.text for each in found] == [each.text for each in translator.translate([SENTENCE])[0]]


def test_a_tree_of_nothing_is_its_root():
    assert tree_of({}, [], str, "</s>")["next"] == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"text": ""}, "text: must be one sentence"),
        ({"text": 3}, "text: must be one sentence"),
        ({"text": "a\nb"}, "text: must be one sentence"),
        ({"text": "a", "beam": 0}, "beam 0: must be from 1"),
        ({"text": "a", "beam": "5"}, "beam 5: must be from 1"),
        ({"text": "a", "holds": "cell"}, "holds: must be at most 32"),
        ({"text": "a", "holds": ["decoder.0/cell:99=1"]}, "decoder.0 has units 0 to 15"),
        ({"text": "a", "holds": ["decoder.0/cell:1"]}, "needs a value"),
    ],
)
def test_what_cannot_be_translated_is_refused_in_a_line(made, asked, said):
    with pytest.raises(OptionError, match=said):
        translate(made.room, asked)


def test_networks_that_translate_nothing_say_so(made, runs):
    questions = Questions(open_exhibits([runs["trees"], made.run.path]))
    about = questions.about()["exhibits"]
    assert [each["translates"] for each in about if not each["beginning"]] == [False, True]
    with pytest.raises(OptionError, match="nothing can be translated"):
        translate(questions.room("0"), {"text": "a"})
    with pytest.raises(OptionError, match="of one text, not of pairs"):
        pair(questions.room("0"), {})
    before = next(str(number) for number, each in enumerate(about) if each["beginning"] and each["beside"])
    assert pair(questions.room(before), {"sequence": "1"})["sentence"] == ""
    with pytest.raises(OptionError, match="nothing can be translated"):
        translate(questions.room(before), {"text": "a"})


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")
def test_the_page_shows_both_texts_translates_what_is_typed_and_holds_a_unit_beside_it(made):
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    wrong: list[str] = []
    with naibu.view(made.run.path) as shown, sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(30_000)
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{shown.address}?sequence=2")
        page.wait_for_selector("#pair svg.attention")
        recorded = pair(made.room, {"sequence": "2"})
        words = page.locator("#pair svg.attention > text").all_text_contents()
        assert words == [*recorded["source"], *recorded["target"]]
        strong = sum(weight > 0.06 for row in recorded["attention"] for weight in row)
        assert page.locator("#pair svg.attention line").count() == strong
        page.click("#translate")
        page.fill("#source", SENTENCE)
        free = naibu.translate(made.run, SENTENCE)[0][0].text
        page.locator("#told-free", has_text=free).wait_for()
        page.wait_for_timeout(300)
        page.fill("#clamp", HOLD)
        page.press("#clamp", "Enter")
        held = naibu.translate(made.run, SENTENCE, hold=[HOLD])[0][0].text
        page.locator("#told-held", has_text=held).wait_for()
        assert page.locator("#told-free").inner_text() == free  # the free one stays beside it
        assert page.locator("#pair svg.attention").count() == 2
        page.locator("details.search").first.locator("summary").click()
        best = page.locator("svg.tree").first.locator("text.best")
        best = best.evaluate_all("all => all.map((each) => each.firstChild.data)")  # behind it stands its title
        assert sorted(best) == sorted(["•", *free.split(), "</s>"])
        page.reload()  # all of it stands in the address
        page.locator("#told-held", has_text=held).wait_for()
        page.select_option("#beam", "1")
        page.click("#clamps button")
        page.locator("#told-held").wait_for(state="detached")
        page.click("#pair-back")
        page.locator("#translate").wait_for()
        browser.close()
    assert wrong == []
