"""Endless streams of embedded Reber strings, which need the forget gate."""
