"""Running lines: reviewed, raised, lowered, measured, appealed."""
