"""Contracts: what was agreed in words, shown before it was signed, and provable afterwards.

Templates are documents of the deployer; nothing a customer signs is worded in code. A credit
agreement stands behind every line, a loan note behind every drawdown.
"""
