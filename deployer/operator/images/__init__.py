"""What bentoctl's image calls become: calls of `deployer image`, or its own with Docker. Runs in its environment."""
