"""The LSTM of 1997: memory blocks, trained by the algorithm of its paper, many trials side by side."""
