"""Learners of long lags without noise, whose inputs are one of very many symbols at a time."""
