"""Saves the model of the service."""

import bentoml

bentoml.picklable_model.save_model("factor", 3)
