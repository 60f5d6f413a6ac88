"""The reference bureau: checks each inquiry's proofs itself, and answers with a sealed report.

A process of its own with its own store, keys and books; it shares nothing with the lender but
files exchanged when the lender was enrolled. It enforces what the house documents of the credit
database's formats; passing it proves agreement with that document, not acceptance by the real one.
"""
