"""Each service of `tests/services` in each BentoML it is for: its image answers as `bentoml serve` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from corpus_requests import SERVICES, differences, lines_of, requests_of
from corpus_servers import Candidate, Functions

pytestmark = pytest.mark.corpus

FULL = ("middleware",)  # CORS is a setting of BentoML's server
SINCE_LEAN = (1, 4, 19)  # older lines have the full application alone


def _has_both(service: str, line: str) -> bool:
    return not service.startswith("legacy_") and tuple(map(int, line.split("."))) >= SINCE_LEAN


def _cases() -> Iterator[object]:
    for folder in sorted(path.parent for path in SERVICES.glob("*/requests.yaml")):
        for line in lines_of(folder.name):
            for dispatch in ("auto", "full") if _has_both(folder.name, line) else ("auto",):
                yield pytest.param(folder.name, line, dispatch, id=f"{line}-{folder.name}-{dispatch}")


@pytest.mark.parametrize(("service", "line_of_it", "dispatch"), [*_cases()])
def test_the_image_answers_as_bentoml_serve_does(
    service: str, line_of_it: str, dispatch: str, candidate: Callable[[str, str], Candidate], functions: Functions
) -> None:
    """Status, content type, body and cookies of every request, through the image and its Runtime API."""
    made = candidate(service, line_of_it)
    variables = {} if dispatch == "auto" else {"DEPLOYER_DISPATCH": dispatch}
    wrong: list[str] = []
    with functions.run(made.built, variables) as (ask, logs):
        for asked, served in zip(requests_of(service), made.answers, strict=True):
            ours = ask(asked)
            found = list(differences(asked, served, ours))
            if found:
                wrong.append(f"{asked.name}: {'; '.join(found)}\n  serve {served}\n  ours  {ours}")
        if wrong:
            wrong.append("\n".join(["the function's log:", *logs.of_the_function()[-20:]]))
        started = [line for line in logs.kept if " started in " in line]
    assert not wrong, "\n".join(["", *wrong])
    assert f"s, {_application(service, line_of_it, dispatch)}" in started[0]


def _application(service: str, line: str, dispatch: str) -> str:
    """Which application has to have answered, so that a lean one that nobody gets is noticed."""
    lean = dispatch == "auto" and _has_both(service, line) and service not in FULL
    return "lean" if lean else "full"
