"""The experiments of Hochreiter & Schmidhuber 1997, Long Short-Term Memory: every published row beside ours."""
