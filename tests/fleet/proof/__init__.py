"""The proof of the fleet: hosts in network namespaces that sell while each is killed, frozen, cut off and restarted.

`python -m tests.fleet.proof`, or `make fleet`. docs/availability.md says how to read what it prints.
"""
