"""Applying: from a registered person to an offer that is taken, or to a plain no."""
