"""Floor 1: the rules of the field as values and pure functions; standard library only, no clock, no input or output."""
