"""Bringing a network to 8-bit weights and activations."""
