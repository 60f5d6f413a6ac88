"""Credit lines and loans: what may be drawn, what it costs, what is owed and what a payment pays.

The pure heart is `loan.py`: a loan is the fold of its transactions. `decide.py` answers commands,
`store.py` is the only place with SQL.
"""
