"""Money in and out: payments, the rails they travel on, and what is done when a rail is silent.

A payment is money moving. It is ordered by the books (an outbox event), carried by a rail (a port
with adapters), and finished only after the books have taken note of what the rail said. What the
rail did not say clearly is *unknown*: asked for by our own reference, then looked up in the rail's
statement, then put before two people, and never sent again under another reference.
"""
