"""deployer: from a packaged BentoML Bento to a live, tested AWS Lambda URL in one command."""

__version__ = "0.1.0"
