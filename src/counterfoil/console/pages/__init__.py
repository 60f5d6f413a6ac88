"""One module per noun: its addresses, its view models, and what fills them."""
