"""Counterfoil: the core of a consumer lender, whose every step leaves a half with the customer."""

__version__ = "0.2.0"
