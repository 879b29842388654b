"""The UnionML app: where the digits come from, how they are classified, and how the model is kept in BentoML's store.

`python digits_classifier_app.py` trains here; `remote_training.py` trains the same app on a Flyte cluster.
UnionML reads the annotations as types, so they must not become strings: no `from __future__ import annotations` here.
"""

import pandas as pd
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from unionml import Dataset, Model
from unionml.services.bentoml import BentoMLService

dataset = Dataset(name="digits_dataset", test_size=0.2, shuffle=True, targets=["target"])
model = Model(name="digits_classifier", init=LogisticRegression, dataset=dataset)
service = BentoMLService(model, framework="sklearn")
model.remote(dockerfile="Dockerfile", project="digits_classifier", domain="development")
PIXELS = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]


@dataset.reader
def reader() -> pd.DataFrame:
    return load_digits(as_frame=True).frame


@model.trainer
def trainer(estimator: LogisticRegression, features: pd.DataFrame, target: pd.DataFrame) -> LogisticRegression:
    return estimator.fit(features, target.squeeze())


@model.predictor
def predictor(estimator: LogisticRegression, features: pd.DataFrame) -> list[float]:
    return [float(digit) for digit in estimator.predict(features)]


@model.evaluator
def evaluator(estimator: LogisticRegression, features: pd.DataFrame, target: pd.DataFrame) -> float:
    return float(accuracy_score(target.squeeze(), predictor(estimator, features)))


def pixels(features: pd.DataFrame) -> pd.DataFrame:
    """The rows as the model knows them: 64 columns of numbers, in its order. Raises ValueError with what is wrong."""
    if features.empty:
        raise ValueError("there are no rows")
    missing = [name for name in PIXELS if name not in features]
    if missing:
        raise ValueError(f"missing columns: {len(missing)} of {len(PIXELS)}, the first is {missing[0]}")
    for name in PIXELS:
        if not pd.api.types.is_numeric_dtype(features[name]) or features[name].isna().any():
            raise ValueError(f"{name} is not a number in every row")
    return features[PIXELS]


def main() -> None:
    estimator, accuracy = model.train(hyperparameters={"C": 1.0, "max_iter": 10000})
    print(estimator)
    print(accuracy)
    print(model.predict(features=reader().sample(5, random_state=42)))
    print(f"BentoML saved model: {service.save_model(estimator)}")


if __name__ == "__main__":
    main()
