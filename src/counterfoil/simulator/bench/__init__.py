"""Measuring the write path, the HTTP entry and the daily close against yardsticks of one run.

Rules       Durability as in production; distinct accepted commands, each acknowledged after its
            commit; yardsticks before and after on the same server with the same settings; the
            books are verified after the run, and a run that fails it has no result.
"""
