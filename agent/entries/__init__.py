"""What people enter, on the unit or by a signed command. Pure."""
