"""A scikit-learn classifier that takes a DataFrame as the whole body."""

from __future__ import annotations

import bentoml
import pandas as pd

COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


@bentoml.service(traffic={"timeout": 30})
class Irises:
    model = bentoml.models.BentoModel("corpus_irises:latest")

    def __init__(self) -> None:
        self.classifier = bentoml.sklearn.load_model(self.model)

    @bentoml.api
    def predict(self, features: pd.DataFrame, /) -> list[int]:
        return self.classifier.predict(features[COLUMNS]).tolist()

    @bentoml.api
    async def probabilities(self, features: pd.DataFrame, digits: int = 2) -> list[list[float]]:
        return self.classifier.predict_proba(features[COLUMNS]).round(digits).tolist()
