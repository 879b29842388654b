"""Which failures of `bentoml build` have a known cause. The texts are those of real builds, with short paths."""

from __future__ import annotations

import pytest

from deployer.tools.build_failures import known_cause, without_boxes

UNIONML = "/v/site-packages/unionml/services/bentoml.py"
WARNED = f"{UNIONML}:169: BentoMLDeprecationWarning: `bentoml.Runnable` is moved\n  runner: bentoml.Runnable,\n"
ANY = "TypeError: Expected type of argument 'features' to be 'LazyType(\"pandas\", \"DataFrame\")', got 'typing.Any'"
RUNNERS = "TypeError: Service.__init__() got an unexpected keyword argument 'runners'"
NO_API = "AttributeError: 'Service' object has no attribute 'api'. Did you mean: 'apis'?"
UNGUESSED = NO_API.partition(".")[0]
STORED = "Error: [bentos] `build` failed: "


def boxed(*lines: str, width: int = 100) -> str:
    """As rich draws a traceback around these lines."""
    drawn = [f"│ {line.ljust(width - 4)} │" for line in lines]
    return "\n".join(["╭" + " Traceback ".center(width - 2, "─") + "╮", *drawn, "╰" + "─" * (width - 2) + "╯", ""])


def framed(path: str, function: str, code: str) -> str:
    """As Python itself prints the last frame."""
    return f'Traceback (most recent call last):\n  File "{path}", line 4, in {function}\n    {code}\n'


THROUGH_UNIONML = boxed(
    f"{UNIONML}:175 in create_service", "", "❱ 175 │   svc = bentoml.Service(name, runners=[runner])"
)
NOT_LOCAL = (
    "Model digits_classifier:latest could not be found locally "
    "and failed to fetch from remote because No cloud context default found."
)
OWN_SERVICE = framed("/p/service.py", "<module>", "svc = bentoml.Service(")


def decorated(code: str) -> str:
    """As Python 3.11 prints the frame of a decorator whose object lacks the attribute."""
    return framed("/p/service.py", "<module>", code) + "     ^^^^^^^\n"


def cause_of(text: str) -> tuple[str, str]:
    cause = known_cause(without_boxes(text))
    assert cause is not None
    return cause.words, cause.hint


def test_unionml_on_a_new_python_is_named_with_its_cure() -> None:
    """UnionML 0.2.1 with BentoML 1.3.22 or 1.4.0 on Python 3.11."""
    words, hint = cause_of(THROUGH_UNIONML + ANY)
    assert words == (
        "UnionML (0.2.1 is its last release) annotates its API's argument 'features' with typing.Any, "
        "which is a class since Python 3.11: BentoML takes it for a wrong type."
    )
    assert hint == (
        "Use a Python 3.10 environment with bentoml<1.4.16, setuptools<82 and pyarrow (--python names it), "
        "or write the service yourself as examples/unionml_digits of deployer's repository does: "
        "service.py for BentoML 1.4, legacy_service.py for 1.0 to 1.4."
    )


def test_an_own_api_annotated_with_any_is_not_unionmls() -> None:
    """The same refusal, where only warnings came from UnionML's file: its own argument is what to correct."""
    words, hint = cause_of(WARNED + framed("/p/service.py", "<module>", "@svc.api(input=PandasDataFrame())") + ANY)
    assert words.startswith("The argument 'features' of an API is annotated with typing.Any, which is a class since")
    assert hint == "Annotate it with the type that BentoML expects, or not at all."


def test_unionml_with_a_new_bentoml_is_named_with_its_cure() -> None:
    """UnionML 0.2.1 with BentoML 1.4.39: the same two ways out."""
    words, hint = cause_of(WARNED + THROUGH_UNIONML + RUNNERS)
    assert words == (
        "UnionML (0.2.1 is its last release) makes an old service with bentoml.Service; "
        "since BentoML 1.4.16 that is the new class of services, and the old one is bentoml.legacy.Service."
    )
    assert hint.startswith("Use a Python 3.10 environment with bentoml<1.4.16")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(OWN_SERVICE + RUNNERS, id="runners"),
        pytest.param(OWN_SERVICE + RUNNERS.replace("Service.", ""), id="runners-on-python-3.9"),
        pytest.param(WARNED + OWN_SERVICE + RUNNERS, id="unionml-only-warned"),
        pytest.param(
            boxed(
                "in exec_module:940", "", "/p/service.py:4 in <module>", "", "❱  4 svc = bentoml.Service('x', **more)"
            )
            + RUNNERS,
            id="boxed",
        ),
        pytest.param(decorated("@svc.api(input=JSON(), output=JSON())") + NO_API, id="no-runners"),
        pytest.param(decorated("@svc.api(") + NO_API, id="arguments-on-the-next-lines"),
        pytest.param(decorated("@svc.api(route='/', input=JSON(),") + NO_API, id="another-argument-first"),
        pytest.param(decorated("@svc.api(output=JSON(), input=json_input)") + NO_API, id="output-first"),
        pytest.param(decorated("@svc.api(JSON(), bentoml.io.JSON())") + UNGUESSED, id="not-guessed-on-python-3.9"),
        pytest.param(
            boxed("/p/service.py:4 in <module>", "", "❱ 4 @svc.api(input=NumpyNdarray(), output=out)") + UNGUESSED,
            id="not-guessed-in-a-box",
        ),
    ],
)
def test_an_old_service_is_told_its_new_name(text: str) -> None:
    """BentoML 1.4.16 gave the name `bentoml.Service` to the class of the new services."""
    words, hint = cause_of(text)
    assert words.startswith("The project makes an old service with bentoml.Service; since BentoML 1.4.16")
    assert hint == "Write bentoml.legacy.Service and bentoml.legacy.Runner in the service, or install bentoml<1.4.16."


@pytest.mark.parametrize(
    ("told", "model"),
    [
        pytest.param(
            "no Models with name 'digits' exist in BentoML store <osfs '/s/models'>", "digits", id="1.0-1.4.0"
        ),
        pytest.param("no Models with name 'digits' exist in BentoML store /s/models", "digits", id="1.4.39"),
        pytest.param(
            "Model 'digits:v1' is not found in BentoML store /s/models, "
            "you may need to run `bentoml models pull` first",
            "digits:v1",
            id="a-version",
        ),
    ],
)
def test_a_model_that_was_never_saved_asks_for_the_training(told: str, model: str) -> None:
    """BentoML names the model and the store; what is missing is the run that saves it."""
    words, hint = cause_of(WARNED + STORED + told + "\n")
    assert words == f"No model '{model}' is in the BentoML store /s/models."
    assert hint.startswith("Run the project's training")


def test_a_model_that_a_service_class_asks_for_is_absent_without_a_folder() -> None:
    """BentoML 1.4.39 tells where else it has looked, and not where the store is."""
    words, hint = cause_of(WARNED + STORED + NOT_LOCAL + "\n")
    assert words == "No model 'digits_classifier:latest' is in the BentoML store."
    assert hint == "Run the project's training, which saves it there; for a store elsewhere set BENTOML_HOME."


def test_line_breaks_count_for_nothing() -> None:
    """rich wraps the last line where a console is narrow."""
    wrapped = ANY.replace(" of argument ", " of \nargument ").replace(", got ", ", \ngot ")
    assert cause_of(THROUGH_UNIONML + wrapped) == cause_of(THROUGH_UNIONML + ANY)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(OWN_SERVICE + RUNNERS.replace("runners", "workers"), id="another-argument"),
        pytest.param(
            framed("/p/s.py", "<module>", "Pool(runners=3)") + RUNNERS.replace("Service.", ""), id="another-class"
        ),
        pytest.param(
            framed("/p/s.py", "<module>", "grpc.Service(runners=3)") + RUNNERS, id="a-service-of-something-else"
        ),
        pytest.param(framed("/p/s.py", "<module>", "helper = Service(runners=3)") + RUNNERS, id="an-own-class"),
        pytest.param(
            OWN_SERVICE + framed("/p/s.py", "make", "cls(runners=3)") + RUNNERS.replace("Service.", ""),
            id="an-earlier-frame",
        ),
        pytest.param(framed("/p/s.py", "make", "cls(runners=3)  # as bentoml.Service(") + RUNNERS, id="a-comment"),
        pytest.param(
            OWN_SERVICE + '  File "<attrs>", line 2, in __init__\n' + RUNNERS.replace("Service.", ""),
            id="a-frame-without-its-code",
        ),
        pytest.param(
            boxed("/p/s.py:9 in make", "", "❱ 9 bentoml.Service('x')", "", "/p/s.py:4 in x", "", "❱ 4 cls(runners=3)")
            + RUNNERS,
            id="an-earlier-frame-in-a-box",
        ),
        pytest.param(
            boxed("/p/s.py:9 in make", "", "❱ 9 bentoml.Service('x')", "in __init__:2")
            + RUNNERS.replace("Service.", ""),
            id="a-frame-without-its-file-in-a-box",
        ),
        pytest.param(RUNNERS + "\nsvc = bentoml.Service(\n" + RUNNERS, id="no-frame"),
        pytest.param(framed("/p/s.py", "<module>", "client.api('/x')") + NO_API, id="an-api-of-something-else"),
        pytest.param(decorated("@client.api('/x')") + NO_API, id="a-decorator-of-something-else"),
        pytest.param(decorated("@svc.api(input=1)") + UNGUESSED, id="an-object-without-apis"),
        pytest.param(decorated("@svc.api(") + UNGUESSED, id="nothing-tells-whose-decorator"),
        pytest.param(STORED + NOT_LOCAL.replace("default found", "default found, or HTTP 500"), id="another-reason"),
        pytest.param(THROUGH_UNIONML + ANY.replace("typing.Any", "<class 'int'>"), id="another-annotation"),
        pytest.param(THROUGH_UNIONML + ANY + "\nValueError: raised from that", id="not-the-last-word"),
        pytest.param(STORED + "no Bentos with name 'digits' exist in BentoML store /s/bentos", id="a-bento"),
        pytest.param("FileNotFoundError: no Models with name 'digits'", id="half-of-it"),
    ],
)
def test_what_only_looks_alike_has_no_known_cause(text: str) -> None:
    """A wrong cause costs more than none."""
    assert known_cause(without_boxes(text)) is None


def test_a_box_is_taken_off_and_nothing_else() -> None:
    """The code's own indentation, which rich marks with the same line, stays."""
    text = boxed("/p/service.py:4 in <module>", "", "❱ 4 │   │   load()") + "| a | table |\nRuntimeError: no weights"
    expected = "/p/service.py:4 in <module>\n\n❱ 4 │   │   load()\n| a | table |\nRuntimeError: no weights"
    assert without_boxes(text) == expected
