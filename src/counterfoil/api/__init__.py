"""The HTTP API: translates requests into journeys and answers into JSON, and decides nothing.

`app.py` puts it together, `front.py` stands before everything, `writes.py` carries what changes
something, `resources/` has a module for each noun, `problems.py` says no.
"""
