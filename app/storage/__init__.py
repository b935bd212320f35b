"""Floor 2: what we keep and the questions we ask of it."""
