"""The local AWS: one loopback-only daemon per user that stands in for ECR, Lambda, IAM and CloudWatch Logs.

`client`, `address` and `interpreters` are what the target and the command line import: they are light. Everything else
runs inside the daemon (`python -m deployer.local`); `moto_aws` is the only module that imports moto.
"""
