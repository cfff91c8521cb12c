"""Receipts that prove: what was paid for which bytes, signed by the service."""
