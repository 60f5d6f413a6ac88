"""What customers agreed to: one purpose, one recipient, one decision a record, with its proof.

A notice says what is asked; a record says what was agreed; events say what became of it.
"""
