"""What a customer can carry: debts, statements, the guard against too much, the whole book."""
