"""Loan cases with known figures: read them, compute them under their conventions, compare.

The figures were worked out by nobody here, so a match says something and a mismatch is first a
question about the convention. A case whose inputs the conventions do not cover is reported as
unsupported, with the reason; expected figures are never read to produce actual ones.
"""
