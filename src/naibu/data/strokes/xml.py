"""XML of strangers: what a file of InkML or SVG holds, without entities, which could unfold to anything."""

from __future__ import annotations

from xml.etree import ElementTree

from naibu.data.files import SourceFile
from naibu.errors import CorpusError


def root_of(file: SourceFile) -> ElementTree.Element:
    """Return the root of an XML file. Raises CorpusError where it is none, with the line, or defines entities."""
    data = file.read()
    if b"<!ENTITY" in data or "<!ENTITY".encode("utf-16-le") in data or "<!ENTITY".encode("utf-16-be") in data:
        raise CorpusError("it defines entities, which are not read; save it without a DOCTYPE", file.name)
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise CorpusError(f"no XML: {error}", file.name, error.position[0]) from None
    except (ValueError, LookupError) as error:
        raise CorpusError(f"no XML: {error}", file.name) from None


def tag_of(element: ElementTree.Element) -> str:
    """Return the name of an element without its namespace; empty for a comment."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
