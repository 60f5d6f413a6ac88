"""Named conventions of consumer loans: how interest, instalments, dates and payments are figured.

A preset is a bundle of settings (`presets`); `plan` computes a schedule under any bundle and
`replay` folds a loan's events into its rows, transactions and charges. Everything here is pure and
exact: integers of minor units and fractions; decimals only where a convention states a precision.

Two engines live side by side on purpose. The write path folds its own product with integers in
`lending/loan.py`; this room answers how a figure comes out under a convention that others use.
"""
