"""How fast the viewer is, and what its server holds: makes recordings of some size, and measures their page.

    python docs/made/viewer.py [FOLDER] [--minutes 30] [--quick]

Needs the extras view and test, and Chromium. Everything is made in FOLDER (.viewer), and is there the next time; at
full size it takes 3.2 GB. Prints the table of docs/viewer.md, each row with what was measured by the clock and, of the
server, in processor seconds. The rows of --only are measured alone: opened, search, hold, frames, memory.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROUNDS = 15
"""Holds of which the median is told."""
SECONDS = 4.0
"""For which frames are counted."""
TEXT = {"content-type": "application/json"}
SHOWN = (".units .rows [role=row]", ".gutter .track")
"""What is there once the page is drawn."""
HOLDS = """async ([named, from, to, rounds]) => {
  const of = (name) => import(document.querySelector("script[src]").src.replace("main.js", name));
  const [{ set }, stage] = await Promise.all([of("state.js"), of("stage.js")]);
  const frame = () => new Promise(requestAnimationFrame);
  const took = [];
  for (let k = 0; k < rounds; k++) {
    const before = stage.scene;
    const begun = performance.now();
    set({ holds: [`${named}=${(k + 1) / 8}@${from}:${to}`] }, { quiet: true });
    while (stage.scene === before) await frame();
    await frame();
    took.push(performance.now() - begun);
  }
  return took;
}"""
FRAMES = """async (seconds) => {
  const [map, strip] = [document.querySelector(".heat .frame"), document.getElementById("scroller")];
  const begun = performance.now();
  let frames = 0;
  for (; performance.now() - begun < 1000 * seconds; frames++) {
    map.scrollTop = (frames * 24) % Math.max(1, map.scrollHeight - map.clientHeight);
    strip.scrollLeft = (frames * 12) % Math.max(1, strip.scrollWidth - strip.clientWidth);
    await new Promise(requestAnimationFrame);
  }
  return (1000 * frames) / (performance.now() - begun);
}"""


@dataclass(frozen=True)
class Sizes:
    """How large is what is looked at."""

    rows: int = 1_000_000
    units: int = 200
    searched: int = 500_000
    symbols: int = 200
    wide: int = 1_000
    steps: int = 400


QUICK = Sizes(4_000, 16, 2_000, 40, 60, 50)


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    what: str
    must: str
    aim: str
    found: str

    def line(self) -> str:
        """Return it as a line of markdown."""
        return f"| {self.what} | {self.must} | {self.aim} | {self.found} |"


@dataclass(frozen=True)
class Server:
    """A page that another process serves."""

    address: str
    pid: int
    printed: float  # seconds until it said its address

    def get(self, path: str, **asked: Any) -> tuple[int, bytes]:
        """Return the status and the body of an answer."""
        query = "?" + urllib.parse.urlencode(asked) if asked else ""
        return _answer(urllib.request.Request(self.address + path + query))

    def post(self, path: str, asked: Any) -> tuple[int, bytes]:
        """Return the status and the body of the answer to a question in JSON."""
        return _answer(urllib.request.Request(self.address + path, json.dumps(asked).encode(), TEXT))

    def about(self) -> list[dict[str, Any]]:
        """Return what is served."""
        found: list[dict[str, Any]] = json.loads(self.get("api/about")[1])["exhibits"]
        return found

    def processor(self) -> float:
        """Return the processor seconds that the server took so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Return the megabytes that are the server's own, without files that it has read."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"RssAnon:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024


def _answer(request: urllib.request.Request) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@contextmanager
def serving(*what: Path) -> Iterator[Server]:
    """Serve recordings by `naibu view` in a process of its own."""
    command = [sys.executable, "-m", "naibu", "view", *map(str, what), "--no-browser", "--port", "0"]
    begun, how = time.perf_counter(), {**os.environ, "COLUMNS": "400", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=how) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if "Viewer: " in line:
                    address = line.split("Viewer: ")[1].strip()
                    yield Server(address, process.pid, time.perf_counter() - begun)
                    return
            raise SystemExit("naibu view ended without an address")
        finally:
            process.terminate()


def made(folder: Path, sizes: Sizes) -> tuple[Path, Path, Path]:
    """Return three recordings of such sizes: of all signals, and one to search, both of a run; one of many units."""
    import torch
    from torch import nn

    import naibu

    run, wide = folder / "run", folder / "wide"
    folder.mkdir(parents=True, exist_ok=True)
    if not (run / "recordings" / "trained").exists():
        shutil.rmtree(run, ignore_errors=True)
        text = folder / "text.txt"
        text.write_text(_text(int(1.3 * max(sizes.rows, sizes.searched)) + 20_000))
        common = ["--longest", "100", "--level", "character", "--steps", "20", "--out", str(run)]
        _naibu("train", "text", str(text), "--units", str(sizes.units), *common)
        for name, rows, more in (
            ("searched", sizes.searched, ["--keep", "cell"]),
            ("large", sizes.rows, []),
            ("trained", 1_000, []),
        ):
            _naibu("record", str(run), "--name", name, "--split", "train", "--positions", str(rows), *more)
    if not wide.exists():
        torch.manual_seed(1)
        with torch.no_grad():
            naibu.record(nn.LSTM(8, sizes.wide), [torch.randn(sizes.steps, 1, 8)], keep=("cell",), out=wide)
    return run / "recordings" / "large", run / "recordings" / "searched", wide


def _text(length: int) -> str:
    draw, letters = random.Random(1), "abcdefghijklmnopqrstuvwxyz ()"
    return "\n".join("".join(draw.choices(letters, k=79)) for _ in range(length // 80 + 1)) + "\n"


def _naibu(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "naibu", *words], check=True, stdout=sys.stderr)


@contextmanager
def browser() -> Iterator[Any]:
    """Yield a page of Chromium without a window, 1280 by 800."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = opened.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(600_000)
        yield page
        opened.close()


def _sized(shown: dict[str, Any]) -> str:
    """Return how large a recording is: positions, units, signals."""
    layers = shown["layers"]
    return f"{shown['tokens']:,} x {layers[0]['units']} x {len(layers)}"


def opened(large: Path) -> Iterator[Row]:
    """Measure how long it takes until the address is printed, and until the page is drawn."""
    with browser() as page, serving(large) as server:
        before, begun = server.processor(), time.perf_counter()
        page.goto(server.address)
        for each in SHOWN:
            page.wait_for_selector(each)
        drawn = time.perf_counter() - begun
        spent = server.processor() - before
        yield Row(
            f"address printed after `naibu view`, {_sized(server.about()[0])}",
            "3 s, page shown",
            "1 s",
            f"{server.printed:.2f} s; page drawn {drawn:.2f} s after it; processor {before:.2f} and {spent:.2f} s",
        )


def search(searched: Path) -> Iterator[Row]:
    """Measure searches of the whole recording: the first, the same again, and another unit's."""
    with serving(searched) as server:
        (shown, *_) = server.about()
        key = f"{shown['layers'][0]['layer']}/cell"
        took, spent = [], server.processor()
        for unit in (0, 0, 1):
            condition = {
                "key": key,
                "unit": unit,
                "side": "above",
                "by": "quantile",
                "value": 0.95,
                "start": 0,
                "stop": 2,
            }
            begun = time.perf_counter()
            status, body = server.get("api/0/find", conditions=json.dumps([{**condition, "off": False}]))
            took.append(time.perf_counter() - begun)
            assert status == 200, body[:400]
        yield Row(
            f"search, {_sized(shown)}: first; again; another unit",
            "5 s; 1 s",
            "2 s; .3 s",
            f"{'; '.join(f'{each:.2f} s' for each in took)}; processor {server.processor() - spent:.2f} s",
        )


def hold(large: Path, sizes: Sizes) -> Iterator[Row]:
    """Measure from a hold to new predictions: at the server, and drawn in the browser."""
    text = _text(400).replace("\n", " ")[: sizes.symbols]
    first, last = sizes.symbols // 4, sizes.symbols // 2
    with browser() as page, serving(large) as server:
        layer = server.about()[0]["layers"][0]["layer"]
        named, took = f"{layer}/cell:1", []
        for k in range(ROUNDS + 1):
            asked = {"text": text, "holds": [f"{named}={(k + 1) / 8}@{first}:{last}"], "series": [named]}
            begun = time.perf_counter()
            status, body = server.post("api/0/read", asked)
            took.append(1000 * (time.perf_counter() - begun))
            assert status == 200, body[:400]
        page.goto(f"{server.address}?{urllib.parse.urlencode({'text': text, 'units': named})}")
        page.wait_for_selector(".gutter .track.unit")
        drawn = page.evaluate(HOLDS, [named, first, last, ROUNDS + 1])[1:]
        yield Row(
            f"hold to new predictions, {sizes.units} units, {sizes.symbols} symbols: the server; drawn in the browser",
            "100 ms",
            "30 ms",
            f"{statistics.median(took[1:]):.0f} ms, at most {max(took[1:]):.0f}; "
            f"{statistics.median(drawn):.0f} ms, at most {max(drawn):.0f}",
        )


def frames(wide: Path, sizes: Sizes) -> Iterator[Row]:
    """Measure frames a second while the map of all units and the strip scroll."""
    with browser() as page, serving(wide) as server:
        layer = server.about()[0]["layers"][0]["layer"]
        page.goto(f"{server.address}?units={layer}/cell:1")
        page.wait_for_selector(".gutter .track.unit")
        page.wait_for_selector(".heat .frame canvas")
        page.evaluate(FRAMES, 1.0)
        yield Row(
            f"frames a second, scrolling {sizes.wide:,} units x {sizes.steps} steps and a strip, headless",
            "30",
            "60",
            f"{page.evaluate(FRAMES, SECONDS):.0f}",
        )


def memory(large: Path, searched: Path, minutes: float) -> Iterator[Row]:
    """Measure the memory of the server before and after minutes of random questions to all routes, and after the first
    of them, when the framework and every route have been loaded."""
    with serving(large, searched) as server:
        before, counts, draw = server.memory(), Counter[int](), random.Random(1)
        exhibits, begun, told = server.about(), time.perf_counter(), 0
        warm = before
        while (passed := time.perf_counter() - begun) < 60 * minutes:
            path, asked, posted = question(exhibits, draw)
            status, body = server.post(path, asked) if posted else server.get(path, **asked)
            counts[status] += 1
            if status >= 500:
                raise SystemExit(f"{path} {asked}: {status} {body[:400]!r}")
            if passed // 60 >= told:
                warm = server.memory() if told == 1 else warm
                print(f"minute {told}: {server.memory():.0f} MB, {counts.total():,} questions", file=sys.stderr)
                told += 1
        yield Row(
            f"the server's memory before and after {minutes:g} minutes of random clicks, {counts.total():,} questions",
            "+ 50 MB",
            "+ 10 MB",
            f"{before:.0f} MB; after a minute {warm:.0f} MB; {server.memory():.0f} MB ({counts[200]:,} answered, "
            f"{counts[400]:,} refused)",
        )


def question(exhibits: list[dict[str, Any]], draw: random.Random) -> tuple[str, dict[str, Any], bool]:
    """Return a path, what is asked, and whether it is posted: of any route, in some of ten wrong."""
    number = draw.randrange(len(exhibits))
    shown = exhibits[number]
    layer = draw.choice(shown["layers"])
    key, unit = f"{layer['layer']}/{layer['signal']}", draw.randrange(layer["units"])
    named, first = f"{key}:{unit}", draw.randrange(60)
    sequence = draw.randrange(200)
    condition = {
        "key": key, "unit": unit, "side": draw.choice(["above", "below"]),
        "by": draw.choice(["quantile", "sign", "value"]), "value": draw.random(),
        "start": 0, "stop": 1 + draw.randrange(3), "off": False,
    }  # fmt: skip
    text = "".join(draw.choices("abc (){}\n", k=draw.randrange(120)))
    holds = [f"{named}={draw.gauss(0, 1):.3f}@{first}:{first + 1 + draw.randrange(40)}"] if draw.random() < 0.7 else []
    span = {"sequence": sequence, "from": first, "to": first + 1 + draw.randrange(5)}
    asked: dict[str, dict[str, Any]] = {
        "": {}, "static/main.js": {}, "static/nothing.js": {}, "api/about": {}, "named": {},
        "view.json": {"in": number, "units": named, "sequence": sequence},
        "view.csv": {"in": number, "units": named, "sequence": sequence},
        "units": {"key": key},
        "sequences": {"sort": draw.choice(["loss", "range", "length"]), "unit": named, "down": draw.choice("01")},
        "sequence": {"sequence": sequence},
        "values": {"key": key, "units": unit, "sequence": sequence},
        "find": {"conditions": json.dumps([condition])},
        "span": {**span, "key": key, "whisker": draw.randrange(4)},
        "pair": {"sequence": sequence},
    }  # fmt: skip
    posted: dict[str, dict[str, Any]] = {
        "read": {
            **({"text": text} if draw.random() < 0.5 else {"sequence": sequence}),
            "holds": holds,
            "series": [named],
        },
        "write": {"text": text, "holds": holds, "length": 1 + draw.randrange(60), "seed": draw.randrange(9)},
        "as_typed": {"sequence": sequence},
        "translate": {"text": text, "beam": 1 + draw.randrange(5), "holds": holds},
    }
    name = draw.choice([*asked, *posted])
    found = dict((asked | posted)[name])
    if found and draw.random() < 0.1:
        found[draw.choice([*found])] = draw.choice(["", "-1", "9" * 20, "x" * 50, "\0", "[]"])
    within = name.startswith(("static", "view", "api")) or not name
    return name if within else f"api/{number}/{name}", found, name in posted


def main() -> None:
    """Make what is measured, and print the table."""
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("folder", nargs="?", type=Path, default=Path(".viewer"), help="where recordings are made")
    said.add_argument("--minutes", type=float, default=30, help="of random questions")
    said.add_argument("--quick", action="store_true", help="tiny recordings, to see that it runs")
    said.add_argument("--only", action="append", help="rows to measure: opened, search, hold, frames, memory")
    asked = said.parse_args()
    sizes = QUICK if asked.quick else Sizes()
    large, searched, wide = made(asked.folder.resolve() / ("quick" if asked.quick else "full"), sizes)
    measured = {
        "opened": lambda: opened(large),
        "search": lambda: search(searched),
        "hold": lambda: hold(large, sizes),
        "frames": lambda: frames(wide, sizes),
        "memory": lambda: memory(large, searched, asked.minutes),
    }
    wrong = [name for name in asked.only or () if name not in measured]
    if wrong:
        said.error(f"--only {wrong[0]}: must be {', '.join(measured)}")
    print("| what | must | aim | measured |\n|---|---|---|---|")
    for name in asked.only or measured:
        for row in measured[name]():
            print(row.line(), flush=True)


if __name__ == "__main__":
    main()
