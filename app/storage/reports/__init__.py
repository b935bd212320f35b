"""What reports ask of the books, and the reports that were produced."""
