"""What the rule `service` reckons with: when an item was done, how far it has come, what the car counts, when it is due."""
