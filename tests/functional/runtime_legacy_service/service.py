"""A service in the style of BentoML 1.0 to 1.3, with a runner, for the tests of the runtime."""

import bentoml
from bentoml.io import JSON


class Doubler(bentoml.legacy.Runnable):
    SUPPORTED_RESOURCES = ("cpu",)
    SUPPORTS_CPU_MULTI_THREADING = True

    @bentoml.legacy.Runnable.method(batchable=False)
    def double(self, value):
        return 2 * value


runner = bentoml.legacy.Runner(Doubler, name="doubler")
svc = bentoml.legacy.Service("legacy_probe", runners=[runner])


@svc.api(input=JSON(), output=JSON())
def double(value):
    return runner.double.run(value["value"])
