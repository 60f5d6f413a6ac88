"""Apps of others: links, pages, what they may do and see, what they are told, whom they invite."""
