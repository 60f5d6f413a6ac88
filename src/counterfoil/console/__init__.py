"""The operators' console: server-rendered pages that call the journeys the API calls.

A page parses the request, checks access, reads or runs one journey, builds its view model and
renders it. It decides nothing about lending, and no customer's name stands in an address.
"""
