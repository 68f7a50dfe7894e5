"""Recurrent cells, the loop that unrolls them, and the drop-in layers built on both."""
