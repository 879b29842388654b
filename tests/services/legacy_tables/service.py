"""Arrays and tables by the IO descriptors of BentoML 1.0 to 1.3."""

import bentoml
import numpy as np
from bentoml.io import JSON, NumpyNdarray, PandasDataFrame, PandasSeries

legacy = getattr(bentoml, "legacy", bentoml)
svc = legacy.Service("legacy_tables")


@svc.api(input=NumpyNdarray(), output=NumpyNdarray())
def double(values):
    return values * 2


@svc.api(
    input=NumpyNdarray(shape=(-1, 2), dtype="float32", enforce_shape=True, enforce_dtype=True),
    output=NumpyNdarray(),
)
async def norms(rows):
    return np.abs(rows).sum(axis=1)


@svc.api(input=PandasDataFrame(), output=PandasDataFrame())
def doubled(table):
    return table.assign(double=table["a"] * 2)


@svc.api(
    input=PandasDataFrame(orient="columns", columns=["a", "b"], enforce_shape=False),
    output=PandasDataFrame(orient="split"),
)
def split(table):
    return table[["b", "a"]]


@svc.api(input=PandasDataFrame(default_format="csv"), output=JSON())
def csv(table):
    return {"columns": list(map(str, table.columns)), "rows": len(table)}


@svc.api(input=PandasSeries(), output=PandasSeries())
def series(values):
    return values + 1
