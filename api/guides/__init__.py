"""Integration guides: one page for each rail and language, made from what the service itself uses."""
