"""Formal languages: words of symbols that are drawn, and what is to be answered of each; from regular languages to
context-sensitive ones."""
