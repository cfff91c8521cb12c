"""The front door: HTTP in, HTTP out. Knows the till and the pictures, never the machines or the stores behind them."""
