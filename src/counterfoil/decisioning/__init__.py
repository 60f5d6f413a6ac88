"""Whether, how much and at what price: the policy, its decisions and the applications they answer.

A policy is a versioned document; its content hash is its identity. Deciding is pure: the same
features, the same question and the same policy give the same decision for ever, and a stored
decision can be replayed to prove it.
"""
