"""Failures of `bentoml build` with a known cause: what it printed decides, and only what is certain is told.

Each was seen with the releases of BentoML that it names. In 1.4.16 `bentoml.Service` became the class behind
`@bentoml.service`, and the old one became `bentoml.legacy.Service` (BentoML's pull request 5381, and its wheels).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_BORDER = re.compile(r"[╭╰]─.*[╮╯]")
_BOXED = re.compile(r"│ (.*) │")

_TYPING_ANY = re.compile(r"TypeError: Expected type of argument '(\w+)' to be '.*', got 'typing\.Any'$")
_RUNNERS = re.compile(r"TypeError: (?:Service\.)?__init__\(\) got an unexpected keyword argument 'runners'$")
_NO_API = re.compile(r"AttributeError: 'Service' object has no attribute 'api'(?P<guessed>\. Did you mean: 'apis'\?)?$")
_SERVICE_CALL = re.compile(r"(?<![\w.])bentoml\.Service\(")
_API_DECORATOR = re.compile(r"@\w+\.api\((?:$|.*\b(?:input|output)=)")
_DESCRIBED_API = re.compile(
    r"@\w+\.api\(.*\b(?:File|Image|JSON|Multipart|NumpyNdarray|PandasDataFrame|PandasSeries|Text)\("
)
# Where a frame begins, and the line of code that it stands at, in Python's traceback and in rich's.
_FRAME = re.compile(r'^(?:  File ".+", line \d+, in .+|/.+:\d+ in \S+|in \S+:\d+)$', re.MULTILINE)
_CODE = re.compile(r"(?:\A\n    |^❱ +\d+ )([^#\n]*)", re.MULTILINE)

_STORE = r"in BentoML store (?:<osfs ')?(?P<store>/.+?)(?:'>)?"
_NO_MODEL = (
    re.compile(rf"no Models with name '(?P<model>[^']+)' exist {_STORE}$"),
    re.compile(rf"Model '(?P<model>[^']+)' is not found {_STORE}, you may need to run `bentoml models pull` first$"),
    re.compile(
        r"Model (?P<model>\S+) could not be found locally and failed to fetch from remote "
        r"because No cloud context \S+ found\.$"
    ),
)
# A frame of Python's traceback or of rich's. The file alone is no ground: BentoML's warnings name it too.
_UNIONML = re.compile(r"/unionml/services/bentoml\.py(?:\", line \d+,|:\d+) in create_service ")
_OWN_UNIONML_SERVICE = (
    "Use a Python 3.10 environment with bentoml<1.4.16, setuptools<82 and pyarrow (--python names it), "
    "or write the service yourself as examples/unionml_digits of deployer's repository does: "
    "service.py for BentoML 1.4, legacy_service.py for 1.0 to 1.4."
)


@dataclass(frozen=True)
class Cause:
    """Why a build failed, and what to do about it."""

    words: str
    hint: str


def known_cause(text: str) -> Cause | None:
    """The cause of a failure that ended with `text`, as `without_boxes` gives it, or None where it is not known.

    In messages line breaks count for nothing: what draws the traceback may wrap it.
    """
    told = _Told(" ".join(text.split()), _raising_code(text))
    return next((cause for cause in (rule(told) for rule in _RULES) if cause is not None), None)


def without_boxes(text: str) -> str:
    """The text without the box that rich draws around a traceback, and without what pads its lines."""
    lines = [line.rstrip() for line in text.splitlines()]
    inside = [(_BOXED.fullmatch(line), line) for line in lines if not _BORDER.fullmatch(line)]
    return "\n".join(boxed[1].rstrip() if boxed else line for boxed, line in inside)


@dataclass(frozen=True)
class _Told:
    """A failure's text as one line, and the line of code that raised (without its comment; "" where none is shown)."""

    said: str
    code: str


def _raising_code(text: str) -> str:
    """Of the last frame alone: what an earlier one calls did not raise."""
    *earlier, last = _FRAME.split(text)
    found = _CODE.search(last) if earlier else None
    return found[1].rstrip() if found else ""


def _any_annotation(told: _Told) -> Cause | None:
    found = _TYPING_ANY.search(told.said)
    if found is None:
        return None
    why = "typing.Any, which is a class since Python 3.11: BentoML takes it for a wrong type."
    if _UNIONML.search(told.said):
        words = f"UnionML (0.2.1 is its last release) annotates its API's argument {found[1]!r} with {why}"
        return Cause(words, _OWN_UNIONML_SERVICE)
    return Cause(
        f"The argument {found[1]!r} of an API is annotated with {why}",
        "Annotate it with the type that BentoML expects, or not at all.",
    )


def _old_service(told: _Told) -> Cause | None:
    if not _passes_runners(told) and not _asks_for_api(told):
        return None
    why = "since BentoML 1.4.16 that is the new class of services, and the old one is bentoml.legacy.Service."
    if _UNIONML.search(told.said):
        words = f"UnionML (0.2.1 is its last release) makes an old service with bentoml.Service; {why}"
        return Cause(words, _OWN_UNIONML_SERVICE)
    return Cause(
        f"The project makes an old service with bentoml.Service; {why}",
        "Write bentoml.legacy.Service and bentoml.legacy.Runner in the service, or install bentoml<1.4.16.",
    )


def _passes_runners(told: _Told) -> bool:
    """A project's own class may be called Service too, and Python 3.9 does not name the class of the `__init__`."""
    return bool(_RUNNERS.search(told.said) and _SERVICE_CALL.search(told.code))


def _asks_for_api(told: _Told) -> bool:
    """BentoML's new class has `apis`, which Python guesses since 3.10; without that, its descriptors must be seen."""
    found = _NO_API.search(told.said)
    if found is None:
        return False
    return bool(_DESCRIBED_API.search(told.code) or (found["guessed"] and _API_DECORATOR.search(told.code)))


def _absent_model(told: _Told) -> Cause | None:
    found = next((found for found in (words.search(told.said) for words in _NO_MODEL) if found), None)
    if found is None:
        return None
    store = found.groupdict().get("store")
    return Cause(
        f"No model {found['model']!r} is in the BentoML store{f' {store}' if store else ''}.",
        "Run the project's training, which saves it there; for a store elsewhere set BENTOML_HOME.",
    )


_RULES: tuple[Callable[[_Told], Cause | None], ...] = (_any_annotation, _old_service, _absent_model)
