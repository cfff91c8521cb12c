"""The operator's command line, `python -m ops`: diagnosis, payments, back-ups and keys.

It reads the service's settings from the same variables. Commands that write ask first.
"""
