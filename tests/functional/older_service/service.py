"""A service in the style of BentoML 1.0 to 1.3."""

import bentoml
from bentoml.io import JSON

svc = bentoml.Service("older_sum")


@svc.api(input=JSON(), output=JSON(), route="/add")
def add(numbers):
    return {"sum": sum(numbers), "bentoml": bentoml.__version__}
