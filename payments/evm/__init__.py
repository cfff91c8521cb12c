"""EVM chains, for both rails: JSON-RPC over one or two URLs, ABI encoding, transfers by time."""
