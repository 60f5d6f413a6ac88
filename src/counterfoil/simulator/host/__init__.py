"""A simulated host app: takes notices over real HTTP, checks them, and fails when it is told to."""
