"""Making training data and networks: two projects with their own locks. Nothing here ships."""
