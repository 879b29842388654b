"""The operator `aws-lambda` that bentoctl loads: its schema, and the functions bentoctl calls by name."""
