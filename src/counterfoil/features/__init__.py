"""Features: what may be known of a customer, from which events, since when, on what basis.

A registry held as data says what may be known at all; events say what became known and when; one
definition makes a value of them, for one customer now and for the whole history alike.
"""
