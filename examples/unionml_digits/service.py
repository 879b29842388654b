"""The current way: the UnionML model inside a BentoML service class. Rows by column name in, one digit per row out."""

from __future__ import annotations

import bentoml
import pandas as pd
from digits_classifier_app import model, pixels, predictor, service


@bentoml.service(name="unionml_digits")
class DigitsClassifier:
    stored = bentoml.models.BentoModel("digits_classifier:latest")

    def __init__(self) -> None:
        service.load_model(str(self.stored.tag))
        self.estimator = model.artifact.model_object

    @bentoml.api
    def predict(self, features: pd.DataFrame, /) -> list[float]:
        """One digit per row. The `/` makes the request's body the rows themselves: a bare JSON list of objects.

        The app's own functions are called. `model.predict` would run them as a Flyte workflow, which costs ten times
        as much and leaves a file under /tmp for every request: a Lambda function has 512 MB there.
        """
        try:
            rows = pixels(features)
        except ValueError as error:
            raise bentoml.exceptions.InvalidArgument(str(error)) from error
        return predictor(self.estimator, model.dataset.get_features(rows))
