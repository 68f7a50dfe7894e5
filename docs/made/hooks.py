"""What `mkdocs build` calls: puts the pages and pictures that are made among those that are written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import gallery
import pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

LOOK = Path(os.environ.get("LOOK", "looks/standard-library"))
REPORT = "report.html"
SHOWN = ("index.md", "gallery.md")
"""The pages that lead to the finished report."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the made pages, the examples, and the pictures and the report of the look that is shown."""
    if not (LOOK / REPORT).exists():
        raise PluginError(f"LOOK={LOOK}: no finished look is there; make docs makes one, naibu look another")
    for uri, content in pages.pages().items():
        files.append(File.generated(config, uri, content=content))
    for path in sorted(Path("examples").glob("*.py")):
        files.append(File.generated(config, path.as_posix(), abs_src_path=str(path.resolve())))
    files.append(File.generated(config, REPORT, content=(LOOK / REPORT).read_bytes()))
    with tempfile.TemporaryDirectory() as folder:
        for path in gallery.pictures(LOOK, Path(folder)):
            kept = files.get_file_from_path(f"gallery/{path.name}")
            assert kept is not None
            files.remove(kept)
            files.append(File.generated(config, kept.src_uri, content=path.read_bytes()))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Let links to the examples lead to those of the site, and the first pages to the report."""
    if page.file.src_uri in SHOWN:
        head, rest = markdown.split("\n", 1)
        markdown = f"{head}\n\n[The finished page of the built-in example]({REPORT}), as a reader has it.\n{rest}"
    return markdown.replace("](../examples/", "](examples/")
