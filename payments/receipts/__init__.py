"""Receipts signed by the service: they prove which payment bought which result."""
