"""Host apps: other people's programs in which our customers meet us.

The room knows who a host is and what it may do, which customers it knows under which reference,
what was made through it, the pages of ours that it asks for, what it is told, and the campaigns by
which customers are invited. What a customer agrees to, owes or draws it does not know: journeys
bring that together.
"""
