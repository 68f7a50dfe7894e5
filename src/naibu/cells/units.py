"""Units as they are named on the command line: [LAYER/]SIGNAL:UNIT[=VALUE][@FROM:TO]."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from naibu.cells.layers import Recurrent
from naibu.cells.names import recurrent_parts
from naibu.cells.signalling import signalling_parts
from naibu.errors import OptionError

FORM = "[LAYER/]SIGNAL:UNIT[=VALUE][@FROM:TO], as in cell:17, lstm.1/cell:17=0.3@5:20"
_NAME = re.compile(r"(?:(?P<layer>[^/:=@]+)/)?(?P<signal>\w+):(?P<unit>\d+)(?:=(?P<value>[^@]+))?(?:@(?P<steps>.+))?")
_STEPS = re.compile(r"(\d*):(\d*)")


@dataclass
class HeldUnit:
    """The edit that holds one unit of one signal, all of them where `unit` is None, at a value, or where there is none
    at what it is when that begins.

    `now` is the step: whoever runs the network one step at a time sets it, and the unit is held from `start` up to, not
    including, `stop`.
    """

    layer: str
    signal: str
    unit: int | None
    value: float | None = None
    start: int = 0
    stop: int | None = None
    now: int = 0
    _kept: Tensor | None = None

    def __call__(self, value: Tensor, step: int) -> Tensor:
        """Return the signal `[batch hidden]` with the unit held."""
        at = self.now + step
        if at < self.start or (self.stop is not None and at >= self.stop):
            return value
        held, units = value.clone(), slice(None) if self.unit is None else self.unit
        if self.value is None:
            self._kept = value[..., units].clone() if self._kept is None else self._kept
            held[..., units] = self._kept
        else:
            held[..., units] = self.value
        return held


def held_unit(typed: str, model: nn.Module) -> HeldUnit:
    """Return the unit that a text names, checked against a model's layers.

    Raises OptionError, with the names that there are, for a form, layer, signal or unit that there is not.
    """
    found = _NAME.fullmatch(typed)
    if not found:
        raise OptionError(f"--hold {typed}: must be {FORM}")
    layers = _layers(model)
    having = {name: units[found["signal"]] for name, units in layers.items() if found["signal"] in units}
    if not having:
        known = dict.fromkeys(signal for units in layers.values() for signal in units)
        raise OptionError(f"--hold {typed}: there is no signal {found['signal']}; there are {', '.join(known)}")
    if found["layer"] is not None and found["layer"] not in having:
        raise OptionError(f"--hold {typed}: there is no layer {found['layer']}; there are {', '.join(having)}")
    if found["layer"] is None and len(having) > 1:
        raise OptionError(f"--hold {typed}: which layer? {_choices(having, typed)}")
    layer = found["layer"] or next(iter(having))
    unit, units = int(found["unit"]), having[layer]
    if units is not None and unit >= units:
        raise OptionError(f"--hold {typed}: {layer} has units 0 to {units - 1}")
    try:
        value = None if found["value"] is None else float(found["value"])
    except ValueError:
        raise OptionError(f"--hold {typed}: {found['value']} is no number") from None
    if value is not None and not abs(value) < 1e30:
        raise OptionError(f"--hold {typed}: {found['value']} is no value that a unit can have")
    steps = (None, None) if found["steps"] is None else _steps(typed, found["steps"])
    return HeldUnit(layer, found["signal"], unit, value, steps[0] or 0, steps[1])


def held_units(hold: Iterable[str | HeldUnit], model: nn.Module) -> tuple[HeldUnit, ...]:
    """Return what is to be held, texts as `held_unit` reads them."""
    return tuple(held_unit(each, model) if isinstance(each, str) else each for each in hold)


def _layers(model: nn.Module) -> dict[str, dict[str, int | None]]:
    """Return the signals of every layer, and the units of each where they are always as many."""
    found: dict[str, dict[str, int | None]] = {}
    for name, part in recurrent_parts(model):
        if isinstance(part, Recurrent):
            for layer, reverse, place in part.directions():
                cell = part.cell(layer, reverse=reverse)
                found[name + place[len(part.known_as) :]] = {signal: cell.width(signal) for signal in cell.signals}
    for name, other in signalling_parts(model):
        found[name] = dict.fromkeys(other.signals)
    return found


def _steps(typed: str, steps: str) -> tuple[int | None, int | None]:
    found = _STEPS.fullmatch(steps)
    start, stop = (int(part) if part else None for part in found.groups()) if found else (0, 0)
    if found is None or (stop is not None and stop <= (start or 0)):
        raise OptionError(f"--hold {typed}: @{steps} must be @FROM:TO, steps, the second larger than the first")
    return start, stop


def _choices(layers: Iterable[str], typed: str) -> str:
    return ", ".join(f"{layer}/{typed}" for layer in layers)
