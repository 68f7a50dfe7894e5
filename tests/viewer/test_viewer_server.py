"""The door: who may ask and what is answered, over real sockets on this machine; big recordings; bad input."""

from __future__ import annotations

import gc
import http.client
import json
import os
import shutil
import socket
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, urljoin

import numpy as np
import pytest

import naibu
from naibu.cli import main
from naibu.errors import OptionError, StoredError
from naibu.recording import Recording
from naibu.recording.files import Manifest, OnDisk, column_file, file_of, npy_header
from naibu.storage import digest_of
from naibu.viewer.exhibits import Exhibit, open_exhibits
from naibu.viewer.serving import open_door, serve
from planted_units import CELL, planted
from resealed import resealed

BAD = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def shown():
    """A page on a recording whose names are what a stranger would write into them."""
    whole = planted()
    named = Recording.from_arrays(
        {(BAD, "cell"): np.asarray(whole[CELL])},
        sequence=whole.index.sequence,
        labels={BAD: (whole.index.label("inside").values, ("</script><script>alert(2)</script>", "=cmd()"))},
        symbols=(BAD, "../../etc/passwd", "\u202eevil", "\x00"),
        symbol=whole.index.symbol,
    )
    with naibu.view(whole, named) as page:
        yield page


def ask(page, path="", *, method="GET", headers=None, body=None, token=True):
    host, port = page.address.split("/")[2].split(":")
    secret = page.address.split("/")[3]
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.putrequest(method, f"/{secret}/{path}" if token else path, skip_host=True, skip_accept_encoding=True)
    given = {
        "host": f"{host}:{port}",
        **({"content-length": str(len(body))} if body is not None else {}),
        **(headers or {}),
    }
    for name, value in given.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    found = response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, found


def test_it_listens_on_loopback_alone_at_an_address_with_a_token(shown):
    assert shown.address.startswith("http://127.0.0.1:")
    assert len(shown.address.split("/")[3]) >= 32
    assert ask(shown)[0] == 200
    for path in ("/", "/api/about", "/x/", "/" + "a" * 32 + "/api/about", "/static/main.js"):
        status, _, body = ask(shown, path, token=False)
        assert (status, b"token" in body) == (403, True)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8642", "127.0.0.1.evil.example", "", None])
def test_another_host_is_refused_so_that_no_name_can_be_rebound(shown, host):
    assert ask(shown, "api/about", headers={"host": host})[0] in (400, 421)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
        {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
    ],
    ids=str,
)
def test_no_other_site_can_read_or_drive_it(shown, headers):
    assert ask(shown, "api/about", headers=headers)[0] == 403
    assert (
        ask(shown, "api/0/read", method="POST", headers={"content-type": "application/json", **headers}, body=b"{}")[0]
        == 403
    )


def test_a_link_to_it_may_be_followed_and_its_own_page_may_ask(shown):
    assert ask(shown, headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"})[0] == 200
    own = "/".join(shown.address.split("/")[:3])
    assert ask(shown, "api/about", headers={"origin": own, "sec-fetch-site": "same-origin"})[0] == 200


def test_every_answer_says_what_a_browser_may_do(shown):
    for path in ("", "static/main.js", "api/about", "api/0/units", "nothing"):
        _, headers, _ = ask(shown, path)
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_a_page_of_the_command_is_shown_in_no_frame():
    from starlette.responses import PlainTextResponse

    from naibu.viewer.guard import Guard

    guard = Guard(PlainTextResponse("x"), "t")
    assert (b"x-frame-options", b"DENY") in guard._headers
    assert b"frame-ancestors 'none'" in dict(guard._headers)[b"content-security-policy"]


def test_the_page_has_no_script_and_no_style_of_its_own():
    static = Path(naibu.__file__).parent / "viewer" / "static"
    page = (static / "index.html").read_text(encoding="utf-8")
    assert "<script>" not in page
    assert "style=" not in page
    assert " on" not in page.replace(" on the", "").split("<noscript>")[0].replace('aria-label="One', "")
    for script in static.glob("*.js"):
        text = script.read_text(encoding="utf-8")
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "http://www.evil",
        ):
            assert word not in text, (script.name, word)


@pytest.mark.parametrize(
    "path",
    [
        "static/../server.py",
        "static/..%2fserver.py",
        "static/%2e%2e/server.py",
        "static//etc/passwd",
        "static/__init__.py",
        "static/..%5cserver.py",
        "../../../etc/passwd",
        "static/",
        "static/style.css%00.py",
        "api/../../server.py",
    ],
)
def test_no_file_but_those_of_the_page_is_ever_read(shown, path):
    status, _, body = ask(shown, path)
    assert status in (400, 403, 404)
    assert b"import" not in body
    assert b"root:" not in body


def test_names_of_a_stranger_are_text(shown):
    for path in ("api/about", f"api/1/units?key={quote(BAD + '/cell')}", "api/1/sequence", "api/1/sequences"):
        status, headers, body = ask(shown, path)
        assert (status, headers["content-type"]) == (200, "application/json")
        json.loads(body)
    assert BAD in json.loads(ask(shown, "api/1/sequence")[2])["labels"]
    status, headers, body = ask(shown, "view.csv?in=1")
    assert headers["content-type"].startswith("text/csv")
    assert b",=cmd()" not in body
    assert b"'=cmd()" in body


def test_only_reading_and_asking_and_nothing_ends_it(shown):
    for method in ("PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        assert ask(shown, "api/about", method=method)[0] == 405
    for path in ("shutdown", "api/shutdown", "quit", "api/0/close", "exit"):
        assert ask(shown, path)[0] == 404
        assert ask(shown, path, method="POST", headers={"content-type": "application/json"}, body=b"{}")[0] in (
            404,
            405,
        )
    assert ask(shown, "api/about")[0] == 200


def test_questions_are_json_of_a_bounded_size(shown):
    for headers, body, status in (
        ({"content-type": "text/plain"}, b"{}", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"a=1", 415),
        ({"content-type": "application/json", "content-length": str(2**30)}, b"{}", 413),
        ({"content-type": "application/json"}, b"nonsense", 400),
        ({"content-type": "application/json"}, b"[" * 100_000, 400),
        ({"content-type": "application/json"}, b"[1]", 400),
    ):
        assert ask(shown, "api/0/read", method="POST", headers=headers, body=body)[0] == status


@pytest.mark.parametrize(
    "path",
    [
        "api/9/units?key=lstm.0/cell",
        "api/-1/units",
        "api/0/units?key=x",
        "api/0/units",
        "api/0/values?key=lstm.0/cell&units=99",
        "api/0/values?key=lstm.0/cell&units=1;2",
        "api/0/sequence?sequence=999",
        "api/0/sequence?sequence=x",
        "api/0/sequence?sequence=1&from=999999999999",
        "api/0/sequences?sort=evil",
        "api/0/sequences?label=depth&value=x",
        "api/0/sequences?least_loss=x",
        "api/0/find?conditions=x",
        "api/0/find?conditions=[]",
        "api/0/find",
        "api/0/span?key=lstm.0/cell&from=5&to=2",
        "view.json?in=7",
        "view.json?units=x",
        "view.csv?units=lstm.0/cell:1,y",
        "api/0/values?key=lstm.0/cell&reading=none",
    ],
)
def test_what_is_asked_wrongly_is_said_in_a_line(shown, path):
    status, _, body = ask(shown, path)
    said = json.loads(body)["error"]
    assert status == 400
    assert "\n" not in said
    assert len(said) > 10


def test_values_travel_as_float16_with_their_shape(shown):
    status, headers, body = ask(shown, "api/0/values?key=lstm.0/cell&sequence=3&from=1&to=5&units=0,4")
    assert (status, headers["x-shape"], len(body)) == (200, "4 2", 16)
    first = int(planted().index.starts[3]) + 1
    expected = np.asarray(planted()[CELL])[first : first + 4][:, [0, 4]]
    np.testing.assert_array_equal(np.frombuffer(body, "<f2").reshape(4, 2), expected)


def test_the_twin_of_a_page_has_what_the_page_shows(shown):
    said = json.loads(ask(shown, "view.json?sequence=2&key=lstm.0/cell&units=lstm.0/cell:0")[2])
    assert set(said) >= {"about", "named", "units", "sequence", "series"}
    assert said["series"]["lstm.0/cell:0"] == said["sequence"]["labels"]["depth"]["numbers"]


def test_a_thousand_questions_at_once_and_then_memory_as_before(shown):
    paths = [
        "api/about",
        "api/0/sequence?sequence=5",
        "api/0/values?key=lstm.0/cell&sequence=1",
        "static/main.js",
        "api/0/units?key=lstm.0/cell",
        "x",
        "api/0/sequences?sort=loss",
    ]

    def rounds(count):
        with ThreadPoolExecutor(64) as pool:
            return [status for status, _, _ in pool.map(lambda k: ask(shown, paths[k % len(paths)]), range(count))]

    rounds(300)
    before = resident()
    found = rounds(1000)
    gc.collect()
    assert len(found) == 1000
    assert set(found) == {200, 404}
    assert resident() - before < 30 * 2**20


def resident() -> int:
    status = Path("/proc/self/status")
    if not status.exists():
        pytest.skip("how much memory is used is not told here")
    return int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("RssAnon"))) * 1024


# The command ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """A recording on disk."""
    whole = planted(12)
    out = tmp_path / "recorded"
    layer = naibu.LSTM(3, 4)
    import torch

    naibu.record(layer, torch.randn(7, 5, 3), out=out, labels={"step": np.tile(np.arange(7), (5, 1))})
    assert whole.tokens
    return out


def refusal(capsys, *words) -> str:
    assert main(["view", *map(str, words), "--no-browser"]) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    return said


def test_bad_input_is_one_line_and_status_two(folder, tmp_path, capsys):
    assert "not found" in refusal(capsys, tmp_path / "nowhere")
    assert "neither a run nor a recording" in refusal(capsys, tmp_path)
    manifest = folder / "manifest.json"
    resealed(manifest, lambda found: found.update(version=99))
    assert "newer naibu" in refusal(capsys, folder)
    manifest.write_text("{")
    assert str(manifest) in refusal(capsys, folder)


def test_damage_is_told_before_anything_is_served(folder, capsys):
    shard = next((folder / "shards").glob("*/*.npy"))
    values = shard.read_bytes()
    shard.write_bytes(values[:-2])
    assert "missing or damaged" in refusal(capsys, folder)
    shard.unlink()
    assert "missing or damaged" in refusal(capsys, folder)
    shard.write_bytes(values)
    column = folder / "index" / "position.npy"
    found = bytearray(column.read_bytes())
    found[-1] ^= 1
    column.write_bytes(found)
    assert "checksum" in refusal(capsys, folder)


def test_a_recording_that_is_being_written_is_refused(folder, capsys):
    manifest = Manifest.read(folder)
    manifest.finished = False
    manifest.write(folder)
    assert "unfinished" in refusal(capsys, folder)


def test_other_machines_need_a_token(folder, tmp_path, capsys):
    assert "--token-file" in refusal(capsys, folder, "--host", "0.0.0.0")
    short = tmp_path / "token"
    short.write_text("abc")
    assert "letters, digits" in refusal(capsys, folder, "--host", "0.0.0.0", "--token-file", short)
    short.write_text("a/b" * 20)
    assert "letters, digits" in refusal(capsys, folder, "--token-file", short)
    assert "from 0 to 65535" in refusal(capsys, folder, "--port", "70000")
    short.write_text("Secret-of-the-lab_0123456789\n")
    door = open_door("0.0.0.0", 0, short)
    assert door.token == "Secret-of-the-lab_0123456789"
    door.socket.close()


def test_the_address_that_is_printed_is_answered():
    """Also of another of this machine's own addresses."""
    door, ready = open_door("127.0.0.2", 0), threading.Event()
    server = serve([Exhibit("planted", planted())], door, ready=ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door.socket]}, daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        assert ask(door)[0] == 200
        assert ask(door, headers={"host": f"127.0.0.3:{door.port}"})[0] == 421
    finally:
        server.should_exit = True
        thread.join(20)


def test_where_every_address_is_served_the_machine_is_asked_by_any_number_but_no_other_name(tmp_path):
    secret = tmp_path / "token"
    secret.write_text("Secret-of-the-lab_0123456789\n")
    door, ready = open_door("0.0.0.0", 0, secret), threading.Event()
    assert "0.0.0.0" not in door.address
    server = serve([Exhibit("planted", planted())], door, ready=ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door.socket]}, daemon=True)
    thread.start()
    assert ready.wait(20)
    printed = door.address.split("/")[2]
    here = SimpleNamespace(address=door.address.replace(printed, f"127.0.0.1:{door.port}"))
    try:
        for host in (printed, f"127.0.0.5:{door.port}", "192.168.1.5", "[fd00::5]:80"):
            assert ask(here, headers={"host": host})[0] == 200
        for host in ("evil.example", "192.168.1.5.evil.example", "1", ""):
            assert ask(here, headers={"host": host})[0] == 421
    finally:
        server.should_exit = True
        thread.join(20)


def test_an_address_without_its_last_slash_is_led_to_the_page(shown):
    secret = shown.address.split("/")[3]
    status, headers, _ = ask(shown, f"/{secret}?in=1", token=False)
    assert status in (307, 308)
    assert urljoin(shown.address.removesuffix("/") + "?in=1", headers["location"]) == f"{shown.address}?in=1"
    assert ask(shown, f"/{secret}x", token=False)[0] == 403


def test_a_page_that_nobody_holds_is_freed():
    page = naibu.view(planted(8))
    gone, server, thread = weakref.ref(page), weakref.ref(page._server), page._thread
    del page
    gc.collect()
    assert gone() is None
    thread.join(20)
    assert not thread.is_alive()
    del thread
    gc.collect()
    assert server() is None


def test_a_taken_port_is_passed_over_and_said():
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        door = open_door(port=port, say=said.append)
    assert door.port > port
    assert said == [f"port {port} is taken; this is port {door.port}"]
    door.socket.close()


def test_where_no_browser_can_be_opened_the_address_is_said(monkeypatch):
    from naibu.viewer import serving

    said: list[str] = []
    monkeypatch.setattr(serving.webbrowser, "open", lambda _: False)
    serving._opened("http://127.0.0.1:1/t/", said.append)
    assert said == ["no browser could be opened; open the address yourself: http://127.0.0.1:1/t/"]


def test_the_command_serves_until_it_is_ended(folder, monkeypatch, capsys):
    from naibu.viewer import serving

    servers = []
    made = serving.serve

    def serve(*asked, **how):
        servers.append(made(*asked, **how))
        return servers[-1]

    monkeypatch.setattr(serving, "serve", serve)
    ended = threading.Thread(target=lambda: end(servers), daemon=True)
    ended.start()
    assert main(["view", str(folder), "--no-browser", "--port", "0"]) == 0
    assert "Viewer: http://127.0.0.1:" in capsys.readouterr().out


def end(servers):
    import time

    for _ in range(200):
        if servers and servers[0].started:
            servers[0].should_exit = True
            return
        time.sleep(0.05)


def test_in_a_notebook_it_is_a_frame_on_this_machine():
    with naibu.view(planted(8)) as page:
        html = page._repr_html_()
        assert f'<iframe src="{page.address}"' in html
        _, headers, _ = ask(page)
        assert "frame-ancestors http://127.0.0.1:*" in headers["content-security-policy"]
        assert "x-frame-options" not in headers


# Large ---------------------------------------------------------------------------------------------------------------


def sparse(folder: Path, shards: int, rows: int, units: int) -> Path:
    """A recording of seven signals whose values are zeros that lie nowhere, finished and with checksums."""
    signals = ("input_gate", "forget_gate", "candidate", "output_gate", "update", "cell", "hidden")
    keys = {("lstm.0", signal): units for signal in signals}
    columns = {"sequence": "int64", "position": "int32", "split": "int8", "seen": "bool", "label.depth": "float32"}
    manifest = Manifest("float16", keys, columns, "made", "weights", names=digest_of_no_names())
    total = shards * rows
    values = digest_of(bytes(rows * units * 2))
    (folder / "index").mkdir(parents=True)
    (folder / "index" / "names.json").write_text("{}")
    made = {name: np.zeros(rows, kind) for name, kind in columns.items()}
    for name, kind in columns.items():
        with (folder / "index" / column_file(name)).open("wb") as file:
            file.write(npy_header((total,), np.dtype(kind)))
            if name == "sequence":
                file.write((np.arange(total, dtype=np.int64) // 100).tobytes())
            file.truncate(len(npy_header((total,), np.dtype(kind))) + total * np.dtype(kind).itemsize)
    for number in range(shards):
        start = number * rows
        made["sequence"] = np.arange(start, start + rows, dtype=np.int64) // 100
        place = folder / "shards" / f"{number:05d}"
        place.mkdir(parents=True)
        for key in keys:
            with (place / file_of(key)).open("wb") as file:
                header = npy_header((rows, units), np.dtype(np.float16))
                file.write(header)
                file.truncate(len(header) + rows * units * 2)
        digests = {file_of(key): values for key in keys} | {
            name: digest_of(column.tobytes()) for name, column in made.items()
        }
        manifest.shards.append(
            {"start": start, "stop": start + rows, "clipped": {}, "undefined": {}, "digests": digests}
        )
    manifest.finished = True
    manifest.write(folder)
    return folder


def digest_of_no_names() -> str:
    from naibu.recording.files import digest_of_names

    return digest_of_names({})


def test_of_a_hundred_gigabytes_nothing_is_read_but_the_manifest_and_sizes(tmp_path, monkeypatch):
    folder = sparse(tmp_path / "large", 300, 24_000, 1000)
    size = sum(path.stat().st_size for path in folder.rglob("*.npy"))
    assert size > 100e9
    read: list[object] = []
    monkeypatch.setattr(OnDisk, "mapped", lambda self, number, key: read.append((number, key)))
    monkeypatch.setattr("naibu.recording.files.compared_column", lambda folder, name, manifest: read.append(name))
    monkeypatch.setattr("naibu.viewer.exhibits.LARGE", 1000)
    (shown,) = open_exhibits([folder])
    assert read == []
    assert shown.recording.tokens == 7_200_000


def test_a_window_of_a_large_recording_reads_its_shard_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("naibu.viewer.exhibits.LARGE", 1000)
    folder = sparse(tmp_path / "large", 20, 2_000, 50)
    (shown,) = open_exhibits([folder])
    compared: list[int] = []
    whole = OnDisk._whole
    monkeypatch.setattr(OnDisk, "_whole", lambda self, number, key: compared.append(number) or whole(self, number, key))
    from naibu.viewer.windows import values, window

    assert values(shown.recording, CELL, [3], window(shown, 45)).shape == (100, 1)
    assert compared == [2]
    for number in (65, 85, 105):
        values(shown.recording, CELL, [3], window(shown, number))
    thread = shown.recording._store._thread
    if thread is not None:
        thread.shutdown()
    assert sorted(compared) == [2, 3, 4, 5, 6]  # who goes on is read ahead of


def test_damage_of_a_large_recording_is_told_when_it_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("naibu.viewer.exhibits.LARGE", 1000)
    folder = sparse(tmp_path / "large", 4, 2_000, 50)
    path = folder / "index" / "label.depth.npy"
    found = bytearray(path.read_bytes())
    found[-1] = 1
    path.write_bytes(found)
    (shown,) = open_exhibits([folder])
    assert len(shown.recording.index.sequence) == 8_000
    with pytest.raises(StoredError, match="checksum"):
        shown.recording.index.label("depth")


def test_a_recording_of_other_weights_than_its_run_is_refused(runs, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(runs["trees"], copy)
    manifest = Manifest.read(copy / "recordings" / "trained")
    manifest.weights = "other"
    manifest.write(copy / "recordings" / "trained")
    with pytest.raises(StoredError, match="of other weights"):
        open_exhibits([copy])
    shutil.rmtree(copy / "recordings")
    with pytest.raises(StoredError, match="naibu record"):
        open_exhibits([copy])


def test_what_a_search_has_named_and_a_report_has_found_is_told(runs, tmp_path):
    copy = tmp_path / "look" / "run"
    shutil.copytree(runs["trees"], copy)
    shown, before = open_exhibits([tmp_path / "look"])
    assert (shown.beginning, before.beginning) == (False, True)
    assert (shown.named, shown.finding) == ([], "")
    found = naibu.probes.search(shown.recording, ["depth"], permutations=3, resamples=10)
    naibu.probes.save(found, copy / "results", "search", shown.recording.made_from)
    (tmp_path / "look" / "summary.json").write_text(json.dumps({"finding": "Unit 3 counts."}))
    shown, before = open_exhibits([tmp_path / "look"])
    assert [(each["label"], each["unit"]) for each in shown.named] == [("depth", found.found[0].best.unit)]
    assert (shown.finding, before.finding) == ("Unit 3 counts.", "")


def test_a_recording_of_an_empty_corpus_or_one_step_is_shown():
    one = Recording.from_arrays({CELL: np.ones((1, 1))}, sequence=np.zeros(1))
    with naibu.view(one) as page:
        assert ask(page, "api/0/units?key=lstm.0/cell")[0] == 200
        assert ask(page, "api/0/sequence")[0] == 200
        assert ask(page, "view.json")[0] == 200
    none = Recording.from_arrays({CELL: np.ones((0, 1))}, sequence=np.zeros(0))
    with naibu.view(none) as page:
        assert ask(page, "api/0/units?key=lstm.0/cell")[0] == 400
        assert ask(page, "api/0/sequences")[0] == 200
        assert ask(page, "view.json")[0] == 400


def test_the_assets_are_in_the_package():
    static = Path(naibu.__file__).parent / "viewer" / "static"
    used = set()
    for path in static.glob("*.js"):
        used |= {
            line.split('"')[-2].removeprefix("./")
            for line in path.read_text().splitlines()
            if line.startswith("import ") and '"./' in line
        }
    assert used <= {path.name for path in static.iterdir()}
    assert {"index.html", "style.css", "icon.svg", "main.js"} <= {path.name for path in static.iterdir()}


def test_exhibits_of_one_name_are_told_apart(folder):
    names = [each.name for each in open_exhibits([folder, folder])]
    assert names == ["recorded (1)", "recorded (2)"]
    with pytest.raises(OptionError):
        Exhibit("x", planted()).sequences.span(-1)
    assert os.sep not in names[0]
