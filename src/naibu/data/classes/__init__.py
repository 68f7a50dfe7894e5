"""Sequences with a class each: how texts and series with classes are read, divided, numbered, and had as examples."""
