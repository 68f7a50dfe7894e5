"""Experiments of the papers, each run by one command: published figure beside obtained figure."""
