"""What a function's process is given: argv, variables and folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from local_aws import ACCOUNT, REGION

from deployer.local.functions import FunctionName, FunctionVersion, ImageOverrides
from deployer.local.image_files import UnpackedImage
from deployer.local.interpreters import Interpreter
from deployer.local.invocation import CannotRun
from deployer.local.isolation import Isolation
from deployer.local.launch import TMP, Launch, Runtime, prepare

NONE = Isolation("none", "because")
PYTHON = Interpreter(Path("/host/bin/python3.11"), Path("/host"))
VERSION = FunctionVersion(
    FunctionName(ACCOUNT, REGION, "digits"), "3", "sha256:0", timeout=3, memory_size=512, ephemeral_storage=700
)
RUNTIME = Runtime(
    api="127.0.0.1:5", log_stream="stream", aws={"AWS_ENDPOINT_URL": "http://127.0.0.1:6"}, tmp=Path("/p")
)


@pytest.fixture
def image(tmp_path: Path) -> UnpackedImage:
    for folder in ("opt/python", "opt/deployer", "home/app/src"):
        (tmp_path / folder).mkdir(parents=True)
    return UnpackedImage(
        root=tmp_path,
        entrypoint=("python3", "-m", "awslambdaric"),
        command=("app.handle",),
        working_directory="/home/app/src",
        variables={"PYTHONPATH": "/opt/python:/opt/deployer:/opt/absent", "HOME": TMP, "WHERE": "/home/app"},
        python="3.11",
    )


def launched(image: UnpackedImage, *, version: FunctionVersion = VERSION, isolation: Isolation = NONE) -> Launch:
    return prepare(version, image, python=PYTHON, runtime=RUNTIME, isolation=isolation)


def test_the_images_python_is_the_hosts_without_its_site_packages(image: UnpackedImage) -> None:
    """The entry point's interpreter is replaced; its arguments and the command stay."""
    argv = launched(image).argv
    assert ("/host/bin/python3.11", "-S", "-s", "-m", "awslambdaric", "app.handle") == argv[-6:]


def test_paths_of_the_image_lead_to_where_it_is_unpacked(image: UnpackedImage) -> None:
    """Each part of a list that the image has is moved, what it does not have stays."""
    made = launched(image)
    root = image.root
    assert f"{root}/opt/python:{root}/opt/deployer:/opt/absent" == made.variables["PYTHONPATH"]
    assert (f"{root}/home/app", root / "home/app/src") == (made.variables["WHERE"], made.directory)


def test_the_functions_own_variables_arrive_unchanged(image: UnpackedImage) -> None:
    """Not even a value that looks like a path of the image is touched."""
    values = {"A": '"\\ [bold]\nü', "B": "/home/app"}
    made = launched(image, version=replace(VERSION, variables=values))
    assert values == {name: made.variables[name] for name in values}


def test_nothing_of_the_hosts_environment_is_handed_on(image: UnpackedImage) -> None:
    """The variables are the image's, the function's and Lambda's, and no others."""
    expected = {"PATH", "PYTHONPATH", "HOME", "WHERE", "AWS_ENDPOINT_URL", "_HANDLER", "TZ", "TMPDIR"}
    expected |= {"AWS_DEFAULT_REGION", "AWS_REGION", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT"}
    expected |= {f"AWS_LAMBDA_FUNCTION_{name}" for name in ("MEMORY_SIZE", "NAME", "VERSION")}
    expected |= {f"AWS_LAMBDA_{name}" for name in ("INITIALIZATION_TYPE", "LOG_GROUP_NAME", "LOG_STREAM_NAME")}
    expected |= {"AWS_LAMBDA_RUNTIME_API", "PYTHONDONTWRITEBYTECODE"}
    assert expected == set(launched(image).variables)


def test_a_function_cannot_override_lambdas_own_variables(image: UnpackedImage) -> None:
    """The Runtime API's address among them."""
    made = launched(image, version=replace(VERSION, variables={"AWS_LAMBDA_RUNTIME_API": "evil", "TZ": "Mars"}))
    assert ("127.0.0.1:5", ":UTC") == (made.variables["AWS_LAMBDA_RUNTIME_API"], made.variables["TZ"])


def test_without_a_sandbox_tmp_is_a_private_folder(image: UnpackedImage) -> None:
    """Two functions of one user do not meet in /tmp."""
    assert ("/p", "/p") == (launched(image).variables["HOME"], launched(image).variables["TMPDIR"])


def test_in_a_sandbox_tmp_is_tmp_and_as_large_as_the_function_asks(image: UnpackedImage) -> None:
    """The sandbox has its own file system for it."""
    made = launched(image, isolation=Isolation("full", folder=Path("/sandbox")))
    place = made.argv.index("/sandbox")
    assert (TMP, "700") == (made.variables["HOME"], made.argv[place + 1])
    assert str(image.root) in made.argv


def test_the_functions_image_config_wins_over_the_image(image: UnpackedImage) -> None:
    """Command and entry point each, as Lambda does."""
    made = launched(image, version=replace(VERSION, overrides=ImageOverrides(command=("other.handle",))))
    assert ("other.handle", "other.handle") == (made.argv[-1], made.variables["_HANDLER"])


@pytest.mark.parametrize("entrypoint", [(), ("/bin/sh",), ("node",)])
def test_an_entry_point_that_is_nowhere_is_refused(image: UnpackedImage, entrypoint: tuple[str, ...]) -> None:
    """Only Python is the host's; anything else must be in the image."""
    with pytest.raises(CannotRun, match="entry point"):
        launched(replace(image, entrypoint=entrypoint))
