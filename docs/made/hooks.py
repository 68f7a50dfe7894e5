"""What `mkdocs build` calls: puts the pages and pictures that are made among those that are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import pages

EXAMPLES = Path("examples")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the made pages, the examples, and of the look that is shown its pictures and its report."""
    for uri, content in pages.pages().items():
        files.append(File.generated(config, uri, content=content))
    for path in sorted(EXAMPLES.glob("*.py")):
        files.append(File.generated(config, path.as_posix(), abs_src_path=str(path.resolve())))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let links to the examples lead to those of the site."""
    return markdown.replace("](../examples/", "](examples/")
