"""What customers do for themselves, and how they are told."""
