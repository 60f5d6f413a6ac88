"""Rule packs: what law and supervisors ask of a lender, as dated data that code asks.

Code holds none of these numbers. It asks a pack for a rule by licence and date and gets the rule
with its number in the table, its certainty and its source, or learns that none is known.
"""
