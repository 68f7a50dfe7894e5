"""Delétang et al. (2023), Neural Networks and the Chomsky Hierarchy: fifteen languages, and which network answers."""
