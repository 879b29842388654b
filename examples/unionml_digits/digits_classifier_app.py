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


def main() -> None:
    estimator, accuracy = model.train(hyperparameters={"C": 1.0, "max_iter": 10000})
    print(estimator)
    print(accuracy)
    print(model.predict(features=reader().sample(5, random_state=42)))
    print(f"BentoML saved model: {service.save_model(estimator)}")


if __name__ == "__main__":
    main()
