"""What runs inside bentoctl's own environment, where the rest of deployer cannot be imported: it imports none of it."""
