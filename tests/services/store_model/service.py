"""A model from BentoML's store, declared in the class."""

from __future__ import annotations

import json
from pathlib import Path

import bentoml
import numpy as np
from bentoml.models import BentoModel


@bentoml.service
class StoreModel:
    line = BentoModel("corpus_line:latest")

    def __init__(self) -> None:
        self.weights = np.load(self.line.path_of("weights.npy"))
        self.names = json.loads(Path(self.line.path_of("names.json")).read_text())

    @bentoml.api
    def predict(self, x: list[float]) -> list[float]:
        slope, offset = self.weights
        return [slope * value + offset for value in x]

    @bentoml.api
    def parts(self) -> list[str]:
        return self.names
