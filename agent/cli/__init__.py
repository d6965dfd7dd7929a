"""One file per subcommand, its function called `command`. SHARED are the modules that several of them use."""

SHARED = ("catalogues", "enter", "exits", "load", "months", "sending", "show")
