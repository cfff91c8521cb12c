"""The simulated clients: what they do (visits, purchases, hostile, slow), and when (closed, arriving)."""
