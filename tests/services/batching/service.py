"""Batchable APIs: one request is a batch of one, and what a batch gets wrong is the request's error."""

from __future__ import annotations

import bentoml
import numpy as np


@bentoml.service(traffic={"timeout": 30})
class Batching:
    @bentoml.api(batchable=True, max_batch_size=8, max_latency_ms=10000)
    def double(self, numbers: list[int]) -> list[int]:
        return [2 * number for number in numbers]

    @bentoml.api(batchable=True, batch_dim=(0, 0), max_batch_size=8, max_latency_ms=10000)
    async def norms(self, rows: np.ndarray) -> np.ndarray:
        return np.abs(rows).sum(axis=1)

    @bentoml.api(batchable=True, max_batch_size=8, max_latency_ms=10000)
    def inverse(self, numbers: list[float]) -> list[float]:
        return [1 / number for number in numbers]

    @bentoml.api
    def plain(self, number: int) -> int:
        return number
