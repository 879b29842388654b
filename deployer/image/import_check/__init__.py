"""Before an image is pushed, its service is imported once from the built layers, in a clean process."""

from deployer.image.import_check.check import ImportCheck

__all__ = ["ImportCheck"]
