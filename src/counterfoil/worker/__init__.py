"""The background jobs: each is a step that is repeated, quickly while there is work.

One process runs them all in development, as many as are needed in production. A job may be run by
several processes at once; what keeps them apart is in the database.
"""
