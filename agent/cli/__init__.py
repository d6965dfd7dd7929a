"""One file per subcommand, its function called `command`. SHARED are the modules that several of them use."""

SHARED = ("enter", "exits", "load", "months", "sending", "show")
