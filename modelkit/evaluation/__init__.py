"""Measuring networks on pictures with known alpha, and looking at cut-outs without it."""
