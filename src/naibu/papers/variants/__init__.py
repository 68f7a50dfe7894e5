"""One table of recurrent cells on two tasks, with equal parameters and budget (after Greff et al. 2017)."""
