"""Drawings by a pen: read from arrays, InkML, SVG, Hershey's fonts and JSON lines, and as examples of a network."""
