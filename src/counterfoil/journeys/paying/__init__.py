"""Money over rails: out, in, by debit, unresolved, reconciled."""
