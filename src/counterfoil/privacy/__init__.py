"""Personal data: encrypted per customer and purpose, found by blind index, shown masked.

Everything else in the house carries only a customer's number. Keys are wrapped by a key service
behind `port.py`; while it is not there nothing personal is served and nothing is lost.
"""
