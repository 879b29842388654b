"""Train the digits classifier and save it to the BentoML model store.

The same data, code and scikit-learn are saved only once: `bentoml.models` gains a version when something changed.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import bentoml
import pandas as pd
import sklearn
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

NAME = "digits_classifier"
TARGET = "target"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="train and save even if nothing changed")
    force = parser.parse_args().force

    frame = load_digits(as_frame=True).frame
    fingerprint = fingerprint_of(frame)
    saved = None if force else saved_model(fingerprint)
    if saved is not None:
        report(bentoml.sklearn.load_model(saved), frame)
        print(f"already saved, nothing changed: {saved.tag} (--force trains anew)")
        return
    classifier = train(frame)
    report(classifier, frame)
    model = bentoml.sklearn.save_model(NAME, classifier, metadata={"fingerprint": fingerprint})
    print(f"saved to the BentoML model store: {model.tag}")


def fingerprint_of(frame: pd.DataFrame) -> str:
    """What the model is made of: the data, this file and the scikit-learn that runs it."""
    digest = hashlib.sha256(frame.to_csv(index=False).encode())
    digest.update(Path(__file__).read_bytes())
    digest.update(sklearn.__version__.encode())
    return digest.hexdigest()


def saved_model(fingerprint: str) -> bentoml.Model | None:
    """The newest stored model, if it has this fingerprint."""
    try:
        newest = bentoml.models.get(f"{NAME}:latest")
    except bentoml.exceptions.NotFound:
        return None
    return newest if newest.info.metadata.get("fingerprint") == fingerprint else None


def train(frame: pd.DataFrame) -> LogisticRegression:
    rows, _ = split(frame)
    return LogisticRegression(max_iter=10000).fit(rows.drop(columns=TARGET), rows[TARGET])


def split(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to train on and rows to test on, the same ones in every run."""
    rows, held_out = train_test_split(frame, test_size=0.2, random_state=12345)
    return rows, held_out


def sample_features(frame: pd.DataFrame) -> pd.DataFrame:
    """The five rows of `data/sample_features.json`."""
    return frame.sample(5, random_state=42).drop(columns=TARGET)


def report(classifier: LogisticRegression, frame: pd.DataFrame) -> None:
    rows, held_out = split(frame)
    scores = {
        "train": classifier.score(rows.drop(columns=TARGET), rows[TARGET]),
        "test": classifier.score(held_out.drop(columns=TARGET), held_out[TARGET]),
    }
    print(classifier)
    print(scores)
    print([float(digit) for digit in classifier.predict(sample_features(frame))])


if __name__ == "__main__":
    main()
