"""Killing the product on purpose: processes are ended with SIGKILL while they work.

`work` makes commands from their keys, `clerk` is the process that works and says what it was
answered, `cycles` ends it and the database at random moments and holds the database against what
was said.
"""
