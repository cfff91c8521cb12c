"""Tests of training.render; `make test-training` runs them with its dependencies."""
