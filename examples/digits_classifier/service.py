"""The digits classifier as a BentoML service: rows of pixels by column name in, one digit per row out."""

from __future__ import annotations

from importlib.metadata import version

import bentoml
import pandas as pd

# A pickled model is read by the scikit-learn that wrote it, so the Bento gets the version it was trained with.
image = bentoml.images.Image().python_packages(f"scikit-learn=={version('scikit-learn')}")


@bentoml.service(name="digits_classifier", image=image)
class DigitsClassifier:
    model = bentoml.models.BentoModel("digits_classifier:latest")

    def __init__(self) -> None:
        self.classifier = bentoml.sklearn.load_model(self.model)

    @bentoml.api
    def predict(self, features: pd.DataFrame, /) -> list[float]:
        """One digit per row. The `/` makes the request's body the rows themselves: a bare JSON list of objects."""
        columns = list(self.classifier.feature_names_in_)
        missing = [name for name in columns if name not in features]
        if missing:
            raise bentoml.exceptions.InvalidArgument(f"{len(missing)} columns are missing, the first is {missing[0]}")
        return [float(digit) for digit in self.classifier.predict(features[columns])]
