"""Payment rails, the ledger port, and the sale that runs over them. Knows neither pictures nor BentoML."""
