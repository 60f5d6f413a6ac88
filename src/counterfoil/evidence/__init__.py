"""Evidence: salted commitments of what happened, written in the transaction of the fact.

Numbering, signing and publishing them is the work of a log that reads the staged leaves.
"""
