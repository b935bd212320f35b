"""R1, R2 and C5: entries at the console: a new one with what it leaves of every limit, one's own, and all of them."""
