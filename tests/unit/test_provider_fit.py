"""A template's parts for newer providers: there where the provider in use can say them, and gone where it cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deployer.stages.provider_fit import NEWER, fit_template, importable
from deployer.templates import template_folder
from deployer.tools.aws_adoption import STATEMENTS
from deployer.tools.terraform import Terraform

PART = "public_invoke.tf"


class Provider(Terraform):
    """A folder, and a provider that knows these attributes and blocks by their resource."""

    def __init__(self, folder: Path, **known: str) -> None:
        self._path, self._known = folder, known

    @property
    def path(self) -> Path:
        return self._path

    def supports(self, resource: str, attribute: str) -> bool:
        return self._known.get(resource) == attribute


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(template_folder(), tmp_path / "terraform"))


def older(folder: Path) -> Provider:
    """As AWS's provider 5.100."""
    return Provider(folder)


def newer(folder: Path) -> Provider:
    """As AWS's provider from 6.29 on."""
    return Provider(folder, aws_lambda_permission="invoked_via_function_url")


def test_a_newer_provider_gets_the_narrowed_permission_and_an_older_one_loses_it(folder: Path) -> None:
    """Whichever was in use before; all else of the template stays as it is."""
    others = sorted(path.name for path in folder.glob("*.tf"))
    for _ in range(2):
        fit_template(newer(folder))
        assert (folder / PART).read_text() == (folder / NEWER / PART).read_text()
    assert "invoked_via_function_url = true" in (folder / PART).read_text()
    for _ in range(2):
        fit_template(older(folder))
        assert others == sorted(path.name for path in folder.glob("*.tf"))


def test_the_permission_is_taken_over_where_the_template_has_it(folder: Path) -> None:
    """Elsewhere terraform would refuse to import to an address that no file has."""
    found = {"aws_lambda_function.this": "digits", STATEMENTS["PublicInvoke"]: "digits:live/PublicInvoke"}
    fit_template(newer(folder))
    assert found == importable(found, newer(folder))
    fit_template(older(folder))
    assert {"aws_lambda_function.this": "digits"} == importable(found, older(folder))


def test_a_template_without_such_parts_asks_nothing(tmp_path: Path) -> None:
    """A user's own: the provider's schema takes seconds to read."""

    class Silent(Provider):
        def supports(self, resource: str, attribute: str) -> bool:
            pytest.fail(f"asked for {resource}.{attribute}")

    (tmp_path / "main.tf").touch()
    fit_template(Silent(tmp_path))
    assert ["main.tf"] == [path.name for path in tmp_path.iterdir()]
