"""Reviewing a running line by a policy: which measure a line's record calls for, and why.

A document of its own kind in the language of the other policies. Pure but for `store.py` and
`case_store.py`; what a measure does to a line is lending's, and journeys bring the two together.
"""
