"""Purchases that a loan pays for: recorded, paid as they progress, refunded."""
