"""Loans and what they cost: quoted, drawn, repaid, settled, changed, explained."""
