"""The log at work: published, followed, kept, watched, and its receipts."""
