"""What a function's process is given: argv, variables and folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from local_aws import ACCOUNT, REGION

from deployer.image.rebased import TMP, Launch
from deployer.local.functions import FunctionName, FunctionVersion, ImageOverrides
from deployer.local.image_files import UnpackedImage
from deployer.local.invocation import CannotRun
from deployer.local.launch import Runtime, prepare, require_machine
from deployer.tools.python_interpreter import Interpreter
from deployer.tools.sandbox import Isolation

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
    expected |= {"AWS_LAMBDA_RUNTIME_API", "AWS_SESSION_TOKEN", "PYTHONDONTWRITEBYTECODE"}
    assert expected == set(launched(image).variables)


def test_a_function_has_credentials_as_lambda_gives_them(image: UnpackedImage) -> None:
    """Of the local AWS, and no one else's: temporary ones, so that a token is part of what it signs."""
    keys = {"AWS_ACCESS_KEY_ID": "LOCAL1", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": "http://127.0.0.1:6"}
    others = dict.fromkeys(keys, "of the config")
    made = prepare(
        replace(VERSION, variables=others), image, python=PYTHON, runtime=replace(RUNTIME, aws=keys), isolation=NONE
    )
    assert keys == {name: made.variables[name] for name in keys}
    assert made.variables["AWS_SESSION_TOKEN"]


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


@pytest.mark.parametrize("program", ["python3", "/usr/local/bin/python3", "/var/lang/bin/python3.11"])
def test_a_python_of_the_image_is_the_hosts(image: UnpackedImage, program: str) -> None:
    """Also one that is in the image: it was built for the libraries of another system."""
    file = image.root / program.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    argv = launched(replace(image, entrypoint=(program, "-m", "awslambdaric"))).argv
    assert ("/host/bin/python3.11", "-S", "-s", "-m", "awslambdaric", "app.handle") == argv[-6:]


def test_packages_of_the_images_python_come_after_its_own_path(image: UnpackedImage) -> None:
    """As that Python would look for them."""
    packages = image.root / "usr/local/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (image.root / "usr/local/bin").mkdir()
    (image.root / "usr/local/bin/python3").touch()
    parts = launched(image).variables["PYTHONPATH"].split(":")
    assert [f"{image.root}/opt/python", str(packages)] == [parts[0], parts[-1]]


def test_a_program_of_the_image_is_found_behind_its_symlinks_only(image: UnpackedImage) -> None:
    """A symlink to `/bin/sh` is the image's own, and not the host's."""
    (image.root / "entry").symlink_to("/bin/sh")
    with pytest.raises(CannotRun, match="entry point /entry"):
        launched(replace(image, entrypoint=("/entry",)))
    (image.root / "bin").mkdir()
    (image.root / "bin/sh").touch()
    assert str(image.root / "bin/sh") in launched(replace(image, entrypoint=("/entry",))).argv


def test_an_image_for_another_processor_cannot_run(image: UnpackedImage) -> None:
    """It says for which it is and what this machine is; an image that does not say is tried."""
    with pytest.raises(CannotRun, match=r"for aarch64.*this machine is x86_64"):
        require_machine(replace(image, architecture="arm64"), machine="x86_64")
    for architecture in ("amd64", ""):
        require_machine(replace(image, architecture=architecture), machine="x86_64")
