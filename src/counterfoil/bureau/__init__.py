"""The credit bureau: which occasions may ask, the signed question, the sealed answer, the report.

Nothing here knows a customer's journey or another room. How one bureau is spoken to, and what its
reports look like, is behind `port.py`.
"""
