"""A simulated bank that gives its customers' statements over real HTTP, and fails when told to."""
