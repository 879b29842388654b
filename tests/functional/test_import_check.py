"""The import check with real images: BentoML, the handler and a service, imported before anything is pushed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from bento_projects import lay_out
from import_bentos import builder, small_system, write_bento, write_service
from laptop import Laptop

from deployer.errors import DeployerError
from deployer.image.base import Base
from deployer.image.import_check import ImportCheck
from deployer.image.layer_cache import BlobCache
from deployer.tools.process import Processes
from deployer.tools.sandbox import Isolation, probe

Imported = Callable[..., list[str]]

NATIVE = "#include <Python.h>\nPyMODINIT_FUNC PyInit_native(void) { return NULL; }\n"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> BlobCache:
    return BlobCache(tmp_path_factory.mktemp("layers"))


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """deployer's cache folder: what is unpacked for one test serves the next."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bento(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def isolation(unpacked: Path) -> Isolation:
    return probe(unpacked / "probe", runner=Processes(), network=False)


@pytest.fixture(scope="module")
def base(cache: BlobCache, isolation: Isolation, tmp_path_factory: pytest.TempPathFactory) -> Base:
    if not isolation.full:
        pytest.skip(f"a base image cannot be run without a sandbox: {isolation.reason}")
    if shutil.which("ldd") is None:
        pytest.skip("no ldd to make a base image with")
    return small_system(tmp_path_factory.mktemp("base"), cache)


@pytest.fixture
def bento(built: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(built, tmp_path / "bento"))


@pytest.fixture
def imported(bento: Path, tmp_path: Path, cache: BlobCache, unpacked: Path) -> Imported:
    """Builds the image of `bento` and checks it; what was said. Extra lines go into the service's module."""

    def check(at_import: str | None = None, *, base: Base | None = None, seconds: float = 120.0) -> list[str]:
        if at_import is not None:
            write_service(bento, at_import)
        builder(cache, base=base).build(bento, layout=tmp_path / "layout")
        said: list[str] = []
        ImportCheck(Processes(), os.environ, unpacked, said.append, seconds=seconds).check(tmp_path / "layout")
        return said

    return check


def refusal(imported: Imported, at_import: str, **options: object) -> DeployerError:
    with pytest.raises(DeployerError) as caught:
        imported(at_import, **options)
    return caught.value


def is_ok(said: list[str]) -> bool:
    return re.fullmatch(r"import check: ok \(\d+\.\d s\)", said[-1]) is not None


def test_the_example_can_be_imported(laptop: Laptop, digits: str, tmp_path: Path, cache: BlobCache) -> None:
    """With all its packages; nothing is written beside the cache."""
    store = Path(laptop.variables.get("BENTOML_HOME", laptop.folder / ".bentoml"))
    bento = lay_out(store / "bentos" / digits.replace(":", "/"), store=store, folder=tmp_path / "bento")
    builder(cache).build(bento, layout=tmp_path / "layout")
    said: list[str] = []
    ImportCheck(Processes(), os.environ, tmp_path / "cache", said.append).check(tmp_path / "layout")
    assert is_ok(said)


def test_a_success_is_kept_for_the_same_packages_and_code(imported: Imported, bento: Path) -> None:
    """A new version of the model, and of the Bento that names it, skips the check; other code does not."""
    assert is_ok(imported())
    assert imported() == ["import check: ok (cached)"]
    model = next((bento / "models" / "weights").glob("*/weights.txt"))
    model.write_text("4 5 6", "utf-8")
    document = yaml.safe_load((bento / "bento.yaml").read_text("utf-8"))
    document["version"], document["creation_time"] = "another", "2026-01-01T00:00:00+00:00"
    (bento / "bento.yaml").write_text(yaml.safe_dump(document), "utf-8")
    assert imported() == ["import check: ok (cached)"]
    assert is_ok(imported("changed = True"))


def test_a_missing_module_is_named(imported: Imported) -> None:
    """With the line that needs it and the package to add. A failure is not kept."""
    for _ in range(2):
        error = refusal(imported, "import sklearn.linear_model")
        assert "needs the module sklearn, which is not in the Bento's Python packages" in error.message
        assert "(src/service.py, line 4: import sklearn.linear_model)." in error.message
        assert "Add scikit-learn to `python: packages:`" in error.hint


def test_semaphores_are_missing_as_on_lambda(imported: Imported, isolation: Isolation) -> None:
    """And the system's word for it, no such file or directory, is not all that is told."""
    if not isolation.full:
        pytest.skip(f"this machine has semaphores: {isolation.reason}")
    error = refusal(imported, "import multiprocessing\nlock = multiprocessing.Lock()\n")
    assert "needs semaphores or shared memory when it is imported, which Lambda does not have" in error.message
    assert "(src/service.py, line 5: lock = multiprocessing.Lock())." in error.message
    assert "concurrent.futures.ThreadPoolExecutor" in error.hint


def test_a_module_that_bentoml_would_let_pass_is_named_too(imported: Imported) -> None:
    """`bentoml.importing()` hides it outside of a server, until the first request."""
    error = refusal(imported, "with bentoml.importing():\n    import torch_is_not_here\n")
    assert "needs the module torch_is_not_here" in error.message


def native_module(bento: Path, folder: Path) -> str:
    """A compiled module that needs a library which is nowhere; what to write to import it."""
    compiler = shutil.which("gcc")
    headers = Path(sys.base_prefix) / "include" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    if compiler is None or not (headers / "Python.h").is_file():
        return 'raise ImportError("libnowhere.so.1: cannot open shared object file: No such file or directory")'
    (folder / "native.c").write_text(NATIVE, "utf-8")
    (folder / "empty.c").write_text("int nothing;\n", "utf-8")
    library = ["-o", "libnowhere.so.1", "-Wl,-soname,libnowhere.so.1", "empty.c"]
    module = ["-o", str(bento / "src" / "native.so"), f"-I{headers}", "native.c", "-Wl,--no-as-needed", "-L."]
    for arguments in (library, [*module, "-l:libnowhere.so.1"]):
        subprocess.run([compiler, "-shared", "-fPIC", *arguments], cwd=folder, check=True)
    return "import native"


def test_a_missing_shared_library_is_named(imported: Imported, bento: Path, tmp_path: Path) -> None:
    """A wheel's metadata does not tell it: only loading the module does."""
    error = refusal(imported, native_module(bento, tmp_path))
    assert "needs the shared library libnowhere.so.1, which this machine does not have" in error.message
    assert "system_packages" in error.hint


def test_a_service_that_needs_the_network_is_told(imported: Imported, isolation: Isolation) -> None:
    """The address is not asked: there is no network at all."""
    if not isolation.full:
        pytest.skip(isolation.reason)
    error = refusal(imported, "import urllib.request\nurllib.request.urlopen('http://weights.example/model')\n")
    assert "reaches for the network when it is imported" in error.message
    assert "src/service.py, line 5" in error.message


def test_a_service_that_writes_beside_its_code_is_told(imported: Imported, isolation: Isolation) -> None:
    """As on Lambda all but /tmp is read-only; /tmp itself may be written to."""
    if not isolation.full:
        pytest.skip(isolation.reason)
    assert is_ok(imported("import tempfile\nopen(tempfile.gettempdir() + '/x', 'w').close()\n"))
    error = refusal(imported, "open('notes.txt', 'w')")
    assert "writes to notes.txt when it is imported" in error.message


def test_an_import_without_an_end_is_stopped(imported: Imported) -> None:
    """After the time limit, with the line where it was."""
    error = refusal(imported, "import time\nwhile True:\n    time.sleep(0.1)\n", seconds=10.0)
    assert error.message.startswith("The service was not imported within 10 s: it was at src/service.py, line ")


def test_a_crash_is_told_with_its_place(imported: Imported) -> None:
    """Python's own traceback does not come then."""
    error = refusal(imported, "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    assert error.message.startswith(
        "Python crashed (SIGSEGV) while the service was imported, at src/service.py, line 5"
    )


def test_any_other_error_is_told_with_its_place(imported: Imported) -> None:
    """Type, message and the last line of the service's own."""
    error = refusal(imported, 'int("seven")')
    assert "ValueError: invalid literal for int() with base 10: 'seven' (src/service.py, line 4" in error.message


def test_a_variable_that_the_image_does_not_set_is_no_fault(imported: Imported) -> None:
    """The deployment config may set it for the function, so nothing is proved, and nothing is kept."""
    for _ in range(2):
        said = imported("import os\nos.environ['NAMED_IN_THE_CONFIG']\n")
        assert "reads the variable NAMED_IN_THE_CONFIG" in said[-1]


def test_models_are_there_for_a_service_that_reads_them_at_import(imported: Imported) -> None:
    """As services of older styles do."""
    assert is_ok(imported('assert open(bentoml.models.get("weights:latest").path_of("weights.txt")).read()'))


def test_a_base_image_is_the_system_that_the_service_runs_on(imported: Imported, base: Base) -> None:
    """Its own Python and libraries, as Lambda's user, and none of this machine's folders."""
    assert is_ok(
        imported(
            "import os, sys\n"
            "assert sys.executable.startswith('/usr/local/bin/python3'), sys.executable\n"
            "assert __file__ == '/home/bentoml/bento/src/service.py', __file__\n"
            "assert os.getuid() == 993\n"
            "assert not os.path.exists('/usr/sbin')\n",
            base=base,
        )
    )


def test_a_library_that_only_this_machine_has_is_missing_in_the_base_image(imported: Imported, base: Base) -> None:
    """That is what an import on the host would not find."""
    elsewhere = "import ctypes\nctypes.CDLL('libnsl.so.1')\n"
    if subprocess.run([sys.executable, "-c", elsewhere], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not have the library either")
    assert is_ok(imported(elsewhere))
    error = refusal(imported, elsewhere, base=base)
    assert "needs the shared library libnsl.so.1, which the base image small does not have" in error.message


def test_a_base_image_without_the_python_is_told(imported: Imported, base: Base, cache: BlobCache) -> None:
    """The entry point finds no interpreter."""
    with pytest.raises(DeployerError, match=r"has no Python 3\.\d+"):
        imported(base=Base(base.reference, base.digest, base.layers, {**base.config, "config": {"Env": ["PATH=/x"]}}))
