"""Neural Turing Machines (Graves, Wayne & Danihelka 2014): copy, repeat copy and associative recall."""
