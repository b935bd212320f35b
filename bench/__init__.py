"""What is measured against what: both sides of every ratio in one run, loaded in turn."""
