"""`python -m naibu`: the command line where no `naibu` is on the path."""

import sys

from naibu.cli import main

sys.exit(main())
