"""Pure ground of the house: money, rates, calendar, clock, identifiers and errors.

Nothing here performs input or output, and nothing here knows what a loan is.
"""
