"""What runs inside the image, there as the package `deployer_runtime`: the Lambda handler for a Bento.

Nothing else of deployer is imported here, and no more than is needed: each import is cold-start time.
"""
