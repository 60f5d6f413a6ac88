"""A simulated service that carries messages, over real HTTP; it fails by channel when told to."""
