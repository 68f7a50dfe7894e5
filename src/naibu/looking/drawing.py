"""One result of a network as a picture of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from naibu import probes
from naibu.errors import NaibuError, OptionError
from naibu.looking.analyses.following import best_unit, main_correlation
from naibu.looking.analysis import top_layer
from naibu.looking.places import Places
from naibu.probes.result import PLOTS, Result

TRAJECTORY = "trajectory"
KINDS = ("svg", "png", "pdf")


def drawable(places: Places) -> list[str]:
    """Return the names of a network's results that can be drawn, and `trajectory` where it was recorded."""
    names = []
    for path in sorted(places.results.glob("*.json")):
        try:
            found = probes.load(path)
        except NaibuError:  # facts and seconds, or damaged, which drawing it says
            continue
        names += [path.stem] if type(found).__name__ in PLOTS else []
    return names + [TRAJECTORY] * (places.recording / "manifest.json").exists()


def draw_into(places: Places, what: str, out: Path, *, unit: int | None = None, signal: str = "cell") -> None:
    """Draw a result into a file. Raises OptionError for what there is not, and for another kind of file."""
    if out.suffix.lstrip(".") not in KINDS:
        raise OptionError(f"--out {out}: must end in {', '.join('.' + kind for kind in KINDS)}")
    if what == TRAJECTORY:
        found, options = _trajectory(places, unit, signal)
    else:
        path = places.results / f"{what}.json"
        if not path.exists():
            raise OptionError(f"--what {what}: there are {', '.join(drawable(places)) or 'none'}")
        found, options = probes.load(path), {}
    from naibu.reporting.plots.canvas import write_figure

    wide = (7.3, 2.4) if what.startswith("traject") else (4.5, 3.0)
    write_figure(lambda ax: found.plot(ax, **options), out, size=wide)


def _trajectory(places: Places, unit: int | None, signal: str) -> tuple[Result, dict[str, Any]]:
    recording = places.open_recording()
    correlation = main_correlation(places.stored())
    if correlation is None:
        raise OptionError("--what trajectory: no label is known to draw it on; naibu probe finds one")
    key = (top_layer(recording), signal)
    if key not in recording.keys():
        raise OptionError(f"--signal {signal}: the recording has {', '.join(s for _, s in recording.keys())}")
    if unit is not None and not 0 <= unit < recording.units(key):
        raise OptionError(f"--unit {unit}: {key[0]} has units 0 to {recording.units(key) - 1}")
    chosen = best_unit(correlation, key) if unit is None else unit
    found: Result = probes.trajectories(recording, key, [chosen], label=correlation.label)
    signals = {(each.layer, each.signal): each for each in correlation.signals}
    return found, {"falling": key in signals and bool(signals[key].train_pearson[chosen] < 0)}
