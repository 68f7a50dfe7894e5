"""The pictures of the gallery: every plot that its page names and a look has, drawn anew."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from PIL import Image

from naibu.looking.drawing import draw_into, drawable
from naibu.looking.places import places_in

PAGE = Path(__file__).parents[1] / "gallery.md"
WIDTH = 460
"""Pixels of a picture that is kept beside the page, twice what is shown."""


def pictures(look: Path, out: Path) -> list[Path]:
    """Return the pictures drawn into `out`, each of the first network of the look that has such a result."""
    names = re.findall(r"\(gallery/([\w-]+)\.png\)", PAGE.read_text(encoding="utf-8"))
    drawn = []
    for name in dict.fromkeys(names):
        having = next((places for places in places_in([look]) if name in drawable(places)), None)
        if having is not None:
            draw_into(having, name, out / f"{name}.png")
            drawn.append(out / f"{name}.png")
    return drawn


def small(path: Path) -> None:
    """Make a picture as small as is kept beside the page."""
    with Image.open(path) as picture:
        size = WIDTH, round(picture.height * WIDTH / picture.width)
        few = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS).quantize(64)
    few.save(path, optimize=True)


if __name__ == "__main__":  # python docs/made/gallery.py LOOK docs/gallery
    for path in pictures(Path(sys.argv[1]), Path(sys.argv[2])):
        small(path)
