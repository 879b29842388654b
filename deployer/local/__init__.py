"""The local AWS: one loopback-only daemon per user that stands in for ECR, Lambda, IAM and CloudWatch.

`client`, `address` and `interpreters` are what the target and the command line import: they are light. Everything else
runs inside the daemon (`python -m deployer.local`); only `moto_aws` and `cloudwatch_protocols` import moto.
"""
