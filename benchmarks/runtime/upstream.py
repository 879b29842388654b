"""What bentoctl's operator for Lambda does: BentoML's ASGI application in Mangum, whose lifespan is of each request."""

import os

import bentoml
from mangum import Mangum

handle = Mangum(bentoml.load(os.environ["BENTO_PATH"], standalone_load=True).to_asgi())
