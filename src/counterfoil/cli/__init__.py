"""The command line: everything an operator or an analyst does."""
