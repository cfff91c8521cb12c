"""The operator's command line, `python -m ops`: what is wrong, where the money is, and the ledger's care.

It reads the same settings as the service, from the same variables. Nothing is written unless a command is told to.
"""
