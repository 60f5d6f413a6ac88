"""The parts of `check_books.py`: a page of the books, what has to hold on it, and the findings."""
