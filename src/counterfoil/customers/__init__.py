"""Who the customers are, without anything personal: a number, a state, a language.

What identifies a person is checked here and kept in the vault of `privacy`.
"""
