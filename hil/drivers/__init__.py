"""Who drives, measured: a household whose styles overlap as published figures say, and how well agent/style/who.py tells it."""
