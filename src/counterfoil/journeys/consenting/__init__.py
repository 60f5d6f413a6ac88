"""Consents on their way: given, used, withdrawn, and told to who relied on them."""
