"""Learners that change their weights as the sequences come, by the algorithms of the 1990s."""
