"""HTTP layer. Depends on payments, imaging and the pipeline; never on runners or storage."""
