"""Three months of a household of three and their car, through everything: `python -m hil.demo`."""
