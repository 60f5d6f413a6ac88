"""One module for each noun of the API: the shapes that are sent and received, and the routes."""
