"""Personal data: shown, revealed, exported, corrected, erased, and what the law asks about it."""
