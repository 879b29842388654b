"""The floor: the user's libraries and the model alone. No BentoML, no ASGI, no validation, no errors for bad input."""

import json
import os
from pathlib import Path

import joblib
import pandas as pd

MODEL = joblib.load(next(Path(os.environ["BENTO_PATH"]).glob("models/*/*/saved_model.pkl")))
COLUMNS = list(MODEL.feature_names_in_)


def handle(event, context):
    rows = pd.DataFrame(json.loads(event["body"]))
    digits = [float(digit) for digit in MODEL.predict(rows[COLUMNS])]
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(digits)}
