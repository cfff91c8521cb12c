"""What both rails need of an EVM chain: JSON-RPC over one or two URLs, ABI encoding, transfers by time."""
