"""Each service of `tests/services` in each BentoML it is for: its image answers as `bentoml serve` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from corpus_requests import SERVICES, differences, lines_of, requests_of
from corpus_servers import Candidate, Functions

pytestmark = pytest.mark.corpus

SINCE_LEAN = (1, 4, 19)  # older lines have the full application alone


def _cases() -> Iterator[object]:
    for folder in sorted(path.parent for path in SERVICES.glob("*/requests.yaml")):
        for line in lines_of(folder.name):
            both = not folder.name.startswith("legacy_") and tuple(map(int, line.split("."))) >= SINCE_LEAN
            for dispatch in ("auto", "full") if both else ("auto",):
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
    assert not wrong, "\n".join(["", *wrong])
