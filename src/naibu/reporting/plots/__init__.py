"""One plot function per result: each takes a result and optional axes, computes nothing, returns the axes."""
