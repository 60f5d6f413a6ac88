"""What the operators' console and the customers' portal share; knows no lending.

Pages are made on the server. Nothing here reads a database, the clock or chance: entry points
hand in what a page needs.
"""
