"""The inbox on the bench: what cars have to say, shown to people once each, as mail and as a page; their clicks go back."""
