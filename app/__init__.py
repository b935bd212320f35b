"""Propriety: gifts-and-entertainment limits for broker-dealers, recorded, added up and proved."""
