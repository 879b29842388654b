"""Saves a small classifier with BentoML's own scikit-learn support."""

import bentoml
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

frame = load_iris(as_frame=True)
features = frame.data.rename(columns=lambda name: name.replace(" (cm)", "").replace(" ", "_"))
classifier = LogisticRegression(max_iter=500).fit(features, frame.target)
bentoml.sklearn.save_model("corpus_irises", classifier)
