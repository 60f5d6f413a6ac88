"""A witness: it cosigns heads of transparency logs that are not its own, and never goes back.

It is meant to be run by others – a regulator, a bureau, a bank, an auditor – and needs nothing else
of the house: no database, no settings, no customer data. What it holds is a key and, per log, the
last head that it cosigned.
Follows     C2SP tlog-witness v1.0.0 and the text at commit 5ba5ee8 (same size and another root is
            answered 422), tlog-cosignature v1.0.1, signed-note v1.0.0.
"""
