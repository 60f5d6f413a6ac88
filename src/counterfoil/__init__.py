"""Counterfoil: the core of a consumer lender, every step of which leaves a half with the customer."""

__version__ = "0.1.0"
