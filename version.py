"""The version of what is served: a bento has no pyproject.toml to read it from."""

VERSION = "0.1.0"
"""Semantic (semver.org) over the HTTP contract, the settings and the ledger's schema."""
