"""Integration guides: one page for each rail and language, generated from the service's own tables."""
