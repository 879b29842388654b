"""DataFrames in and out, as records and as columns, as a field and as the whole body."""

from __future__ import annotations

from typing import Annotated

import bentoml
import pandas as pd
from bentoml.validators import DataframeSchema

Columns = Annotated[pd.DataFrame, DataframeSchema(orient="columns", columns=["a", "b"])]


@bentoml.service
class Tables:
    @bentoml.api
    def doubled(self, table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(double=table["a"] * 2)

    @bentoml.api
    def sums(self, table: pd.DataFrame, /) -> list[float]:
        return table.sum(axis="columns").tolist()

    @bentoml.api
    async def by_column(self, table: Columns) -> Columns:
        return table[["b", "a"]]

    @bentoml.api
    def shape(self, table: pd.DataFrame, scale: int = 1) -> tuple[int, int]:
        return table.shape[0] * scale, table.shape[1]
