"""`doctor`: checks everything that the service needs and names the remedy for each fault."""
