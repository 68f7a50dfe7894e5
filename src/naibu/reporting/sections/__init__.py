"""The sections of a network: what is measured, what was seen, the figure, the table, the command."""
