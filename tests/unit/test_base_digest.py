"""Which base image counts among the inputs of a release."""

from __future__ import annotations

import socket

import pytest

from deployer.tools.base_image import base_digest

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize("reference", ["none", f"python@{DIGEST}", f"host.example/base:1@{DIGEST}"])
def test_what_cannot_change_is_asked_of_nobody(reference: str) -> None:
    """No base, and one that is named by its digest, stand for themselves."""
    assert base_digest(reference, variables={}) == reference


@pytest.mark.parametrize("known", ["", DIGEST])
def test_where_no_registry_answers_the_last_one_is_meant(known: str) -> None:
    """Offline nothing has changed, as far as one can know."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and it does not listen
        reference = f"127.0.0.1:{nobody.getsockname()[1]}/base:1"

        assert base_digest(reference, variables={}, known=known) == known
