"""The daemon's first address, `AWS_ENDPOINT_URL`: our part of Lambda, everything else by moto."""

from __future__ import annotations

from werkzeug.wrappers import Request

from deployer.local.guard import refuse_other_names, refuse_strangers
from deployer.local.lambda_api import LambdaApi
from deployer.local.server import Wsgi
from deployer.local.signature import Keys


class ControlPlaneAddress:
    """Every request must come from this machine and name the local AWS's access key."""

    def __init__(self, lambda_api: LambdaApi, moto: Wsgi, keys: Keys) -> None:
        self._lambda_api, self._moto, self._keys = lambda_api, moto, keys

    def answer(self, request: Request) -> Wsgi:
        refused = refuse_other_names(request) or refuse_strangers(request, self._keys)
        return refused or self._lambda_api.answer(request) or self._moto
