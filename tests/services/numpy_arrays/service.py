"""NumPy arrays in and out: any shape, a fixed shape and type, and arrays beside other values."""

from __future__ import annotations

from typing import Annotated

import bentoml
import numpy as np
from bentoml.validators import DType, Shape
from numpy.typing import NDArray

Pair = Annotated[np.ndarray, Shape((2,)), DType("float32")]


@bentoml.service
class Arrays:
    @bentoml.api
    def double(self, values: np.ndarray) -> np.ndarray:
        return values * 2

    @bentoml.api
    async def length(self, pair: Pair) -> float:
        return float(np.hypot(pair[0], pair[1]))

    @bentoml.api
    def of_type(self, values: NDArray[np.int16]) -> str:
        return f"{values.dtype} {values.shape}"

    @bentoml.api
    def transpose(self, values: np.ndarray, /) -> np.ndarray:
        return values.T

    @bentoml.api
    def scale(self, values: np.ndarray, factor: float = 1.0) -> list[float]:
        return (values * factor).ravel().tolist()
