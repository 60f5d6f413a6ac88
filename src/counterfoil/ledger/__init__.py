"""Double entry, append-only: what every movement does to the books of the lender of record.

`chart.py` names the accounts, `posting.py` maps movements to postings, `store.py` reads and sums.
"""
