"""Floor 4: HTTP in, HTTP out. Routes translate; they decide nothing."""
