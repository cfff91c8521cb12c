"""Load tests: clients that ask for quotes and clients that buy, and a gate on latency and failures."""
