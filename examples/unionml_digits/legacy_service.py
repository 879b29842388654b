"""The legacy way, for BentoML 1.0 to 1.4: UnionML's own runnable in a service with a runner.

It does what `service.configure()` of UnionML 0.2.1 is for, and works where that does not: since Python 3.11
BentoML refuses UnionML's annotation, and since 1.4.16 `bentoml.Service` is another class. The API's argument is not
annotated here.
"""

from bentoml.exceptions import InvalidArgument
from bentoml.io import JSON, PandasDataFrame
from digits_classifier_app import model, pixels, service
from unionml.services.bentoml import create_runnable

try:
    from bentoml.legacy import Runner, Service
except ImportError:  # BentoML before 1.4.16 has them at its top
    from bentoml import Runner, Service

service.load_model("latest")
runner = Runner(
    create_runnable(supported_resources=("cpu",), runnable_method_kwargs={"batchable": False}),
    name=f"unionml-runner-{service.name}",
    models=[service._bento_model],  # what makes `bentoml build` pack the model
    runnable_init_params={"model": model},
)
svc = Service("unionml_digits_legacy", runners=[runner])


@svc.api(input=PandasDataFrame(), output=JSON())
def predict(features):  # type: ignore[no-untyped-def]
    try:
        rows = pixels(features)
    except ValueError as error:
        raise InvalidArgument(str(error)) from error
    return runner.predict.run(rows)
