"""What is said to a person: when, what together, held by what. The rule is agent/events/prompt.py. Pure."""
