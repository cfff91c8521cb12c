"""Tests of training.matting; `make test-training` runs them with its dependencies."""
