"""The tables of counting, ready for a README."""

from __future__ import annotations

from collections.abc import Sequence

from naibu.papers.runner import Figures, Reproduced

COLUMNS = {
    "all n to 50": ("right_to_50", ".0f"),
    "to 200": ("right_to_200", ".0f"),
    "to 1000": ("right_to_1000", ".0f"),
    "all longer right": ("all_right_beyond", ".0f"),
    "longest right, each": ("each_right_up_to", ""),
    "perplexity, trained": ("median_perplexity_trained", ".5f"),
    "beyond": ("median_perplexity_beyond", ".5f"),
    "ED recall beyond": ("median_end_recall_beyond", ".3f"),
    "distinct states": ("median_states", ".0f"),
    "distinct moves": ("median_moves", ".0f"),
    "whole": ("median_steps_whole", ".3f"),
    "machine found": ("machine_found", ".0f"),
    "equal beyond": ("machine_is_network_beyond", ".0f"),
    "its counters": ("median_counters", "g"),
    "its rows": ("median_rows", "g"),
}
NOTE = """Counts are of trainings, figures with a fraction are medians over them. Right: every determined symbol and the
end is the most probable one (of brackets: ED at the end and nowhere before). Perplexity is over the determined
symbols, 1 is perfect. Distinct states: hidden states on the trained lengths, each unit rounded to a tenth;
distinct moves: pairs of rounded forget gates and updates. Whole: share of units and steps within 0.01 of whole
numbers. Equal beyond: machine and network hold the same symbols possible at every step of every longer string.
The recipe was chosen on other seeds."""


def as_markdown(rows: Sequence[Reproduced]) -> str:
    """Return a table for each group of rows, and what the columns mean; a figure that a row lacks is a dash."""
    parts = []
    for table in dict.fromkeys(row.table for row in rows):
        own = [row for row in rows if row.table == table]
        names = [name for name, (key, _) in COLUMNS.items() if any(key in row.obtained for row in own)]
        lines = [f"**{table}**", "", f"| | trainings | {' | '.join(names)} |", "|" + "---|" * (len(names) + 2)]
        for row in own:
            cells = [_cell(row.obtained, *COLUMNS[name]) for name in names]
            lines.append(f"| {row.row} | {row.trials} | {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, NOTE]) + "\n"


def _cell(found: Figures, key: str, form: str) -> str:
    value = found.get(key)
    if value is None or value == "":
        return "-"
    return value if isinstance(value, str) else format(value, form)
