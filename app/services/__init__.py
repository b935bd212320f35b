"""Floor 3: one function per thing the business does: read, decide, write."""
