"""Staff and their rights: given, used, ended, proven by a second factor."""
