"""What a customer can carry: proven income, debts everywhere, and ceilings that no score can lift.

Statements are read and checked line by line and sealed in the vault; what leaves this room are
whole numbers with their age, source and evidence. Unknown is a value of its own throughout.
"""
