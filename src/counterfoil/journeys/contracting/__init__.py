"""Agreements: made, shown, read, signed, sealed, and changed with notice."""
