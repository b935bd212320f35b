"""Tests: sentences about the business, one folder per floor and one for what goes through all of them."""
