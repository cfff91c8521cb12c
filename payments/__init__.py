"""The till: rails, ledger port and the gate over them. Knows neither pictures nor BentoML."""
