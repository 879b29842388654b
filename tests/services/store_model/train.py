"""Saves the model that the service loads: weights of a line, in two files."""

import json
from pathlib import Path

import bentoml
import numpy as np

with bentoml.models.create("corpus_line", labels={"kind": "line"}, metadata={"degree": 1}) as model:
    np.save(model.path_of("weights.npy"), np.array([2.0, 1.0]))
    Path(model.path_of("names.json")).write_text(json.dumps(["slope", "offset"]))
