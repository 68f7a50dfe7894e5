"""The commands and their options: what each is called, takes, does and leaves, and the help that says so."""

from __future__ import annotations

from cyclopts import App, Group

from naibu.commands import inside, measuring, translating, using
from naibu.commands.learning import look, output, train
from naibu.commands.papers import papers
from naibu.commands.parts import USUAL, Usual, added, from_settings, names_and_numbers, unfolded
from naibu.commands.vectors import vectors
from naibu.version import __version__

ABOUT = """Train a recurrent network, record everything inside it, and find out what each unit has learnt.

Begin with what every machine has; it takes a few minutes and ends with a page to look at:

$ naibu look standard-library --out looks/standard-library

Then your own treebank, source code or text:

$ naibu look treebank.mrg --form tagged --minutes 10 --out looks/mine

The steps of look, one at a time: train, record, probe, intervene, report. Explained by naibu COMMAND --help."""

titles = ("Learn", "Use", "Look inside", "Besides")
learn, use, see, besides = (Group(title, sort_key=place) for place, title in enumerate(titles))
app = App(
    name="naibu",
    help=unfolded(ABOUT),
    help_format="plaintext",
    help_formatter=Usual(),
    version=f"naibu {__version__}",
    version_flags=("--version", "-V"),
    default_parameter=USUAL,
    config=(from_settings, names_and_numbers),
)
app["--help"].group = app["--version"].group = (besides,)
train.group, look.group, papers.group = (learn,), (see,), (besides,)
for group in (train, look, papers):
    app.command(group)
for each in (using.evaluate, using.predict):
    added(app, each, group=use, group_parameters=output)
added(app, using.generate, group=use)
added(app, translating.translate, group=use)
added(app, using.ngram, group=use)
vectors.group = (use,)
app.command(vectors)
for place, name in enumerate(("record", "probe", "intervene", "report", "colour")):
    added(app, getattr(inside, name), group=see, sort_key=(1, place))
added(app, measuring.gradients, group=see, sort_key=(2,))
look.sort_key = (0,)
added(app, inside.view, group=see, sort_key=(1, 9))
added(app, inside.show, group=see, sort_key=(3,))
added(app, inside.plot, group=see, sort_key=(4,))
added(app, inside.draw, group=see, sort_key=(5,))
added(app, inside.check, group=besides)
added(app, measuring.bench, group=besides)
