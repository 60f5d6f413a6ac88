"""Asking a bureau, and showing afterwards that each question was allowed."""
