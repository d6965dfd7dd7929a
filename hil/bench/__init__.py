"""The bench: every figure that Keyoff is held to, measured on this machine. `python -m hil.bench`, or `make bench`."""
