"""Parts that models are made of, each a textbook word."""
