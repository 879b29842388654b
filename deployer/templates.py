"""Where the terraform templates are: beside the package in a source tree, inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path

from deployer.errors import BadInput, DeployerError

PACKAGE = Path(__file__).parent


def template_folder(own: Path | None = None, *, package: Path = PACKAGE) -> Path:
    """The folder with the `.tf` files: the user's `own`, else the shipped `aws_lambda`.

    Raises BadInput when `own` has none, DeployerError when the installation lacks its template.
    """
    if own is not None:
        if not any(own.glob("*.tf")):
            raise BadInput(
                f"terraform.template names {own}, where no .tf file is.",
                hint="Name a folder of .tf files, or leave the key out to use the shipped template.",
            )
        return own
    for parent in (package, package.parent):
        folder = parent / "terraform_templates" / "aws_lambda"
        if folder.is_dir():
            return folder
    raise DeployerError(
        f"The terraform template is missing from the installation in {package}.",
        hint="Install bento-deployer again.",
    )
