"""Decisions: by which version, how they are explained, looked at again, tried and replayed."""
