"""Files of the transparency log as bytes and values: no clock, no network, no database.

Whatever a file says, its reader either understands all of it or rejects it with a code of
`reasons.py`. Foreign verifiers read the same files.
Follows     RFC 6962 section 2.1; C2SP signed-note v1.0.0, tlog-checkpoint v1.0.0, tlog-tiles
            v0.1.0, tlog-cosignature v1.0.1, tlog-witness v1.0.0; tlog-proof and tlog-policy as of
            the C2SP repository's commit 5ba5ee830903e91240fc6f9f3a7a9293d49e69c9.
"""
