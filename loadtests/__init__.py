"""Load tests: strangers who ask and strangers who buy, and a gate that says whether they were served well enough."""
