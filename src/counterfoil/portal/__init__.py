"""Entry point of customers: the portal, a site of server-rendered pages for phones first.

What a customer sees here is read, and what a customer does is one journey; the portal decides
nothing. Pages that a host sends its customers to are pages of the portal as well.
"""
