"""The ways through the house: one module each, readable from top to bottom as what happens."""
