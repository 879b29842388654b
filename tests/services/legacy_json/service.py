"""The style of BentoML 1.0 to 1.3: JSON and text, runners that are called sync and async, a model of the store."""

import asyncio

import bentoml
from bentoml.io import JSON, Text
from pydantic import BaseModel

legacy = getattr(bentoml, "legacy", bentoml)  # its place since BentoML 1.4
weights = bentoml.models.get("factor:latest")


class Numbers(legacy.Runnable):
    SUPPORTED_RESOURCES = ("cpu",)
    SUPPORTS_CPU_MULTI_THREADING = True

    def __init__(self):
        self.factor = bentoml.picklable_model.load_model(weights)
        self.calls = 0

    @legacy.Runnable.method(batchable=False)
    def scale(self, value):
        return self.factor * value

    @legacy.Runnable.method(batchable=False)
    def count(self, step):  # without an argument the runners of BentoML 1.0 and 1.1 never answer
        self.calls += step
        return self.calls

    @legacy.Runnable.method(batchable=True, batch_dim=0)
    def lengths(self, words):
        return [len(word) for word in words]


class Order(BaseModel):
    name: str
    count: int = 1


runner = legacy.Runner(Numbers, name="numbers", models=[weights])
svc = legacy.Service("legacy_json", runners=[runner])


@svc.api(input=JSON(), output=JSON())
def scale(value):
    return {"scaled": runner.scale.run(value["value"])}


@svc.api(input=JSON(), output=JSON())
async def both(values):
    return await asyncio.gather(*(runner.scale.async_run(value) for value in values))


@svc.api(input=JSON(), output=JSON())
def calls(step):
    return runner.count.run(step)


@svc.api(input=JSON(), output=JSON())
async def lengths(words):
    return list(await runner.lengths.async_run(words))


@svc.api(input=JSON(pydantic_model=Order), output=JSON(), route="/v1/order")
def order(order):
    return {"name": order.name.upper(), "count": order.count}


@svc.api(input=Text(), output=Text())
def shout(text):
    return text.upper()


@svc.api(input=JSON(), output=JSON())
def fail(value):
    raise ValueError(f"cannot take {value}")


@svc.api(input=JSON(), output=JSON())
def refuse(_):
    raise bentoml.exceptions.InvalidArgument("not this")
