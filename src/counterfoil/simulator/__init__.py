"""A seeded world for demonstration and test: invented persons who behave as recorded ones did.

It drives the real journeys through their public functions and knows nothing of their insides.
"""
