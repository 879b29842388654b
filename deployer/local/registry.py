"""The OCI distribution protocol in front of moto's ECR: `/v2/<ECR host>/<repository>/…`.

The ECR host is the first part of the repository's path, so one address serves every account and region. Blobs are
shared by all repositories; a manifest is known per repository, in ECR itself.
"""

from __future__ import annotations

import json
import re
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from hmac import compare_digest
from pathlib import Path

from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import wrap_file

from deployer.local.blobs import DIGEST, Blobs, DigestMismatch
from deployer.local.control_plane import ControlPlane
from deployer.local.ecr import NoSuchRepository, Repository, TagIsImmutable, parse_host

ROUTE = re.compile(r"/v2/(?P<host>[^/]+)/(?P<name>.+?)/(?P<kind>blobs|manifests)/(?P<rest>.+|uploads/)")
UPLOAD = re.compile(r"uploads/(?P<upload>[0-9a-f]{32})?")
IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
NO_INDEX = (
    "Lambda takes one plain image manifest, and this is an index of several. buildx makes one to add attestations: "
    "build with --provenance=false --sbom=false, or with BUILDX_NO_DEFAULT_ATTESTATIONS=1, and for one platform only."
)
CHUNK = 1 << 20
MANIFEST_LIMIT = 4 << 20


class Refused(Exception):
    """A registry error: an HTTP status and the distribution protocol's own code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Registry:
    """Answers one request at a time per thread; uploads in progress are its only state."""

    def __init__(self, blobs: Blobs, control_plane: ControlPlane) -> None:
        self._blobs = blobs
        self._control_plane = control_plane
        self._uploads: dict[str, Path] = {}

    def answer(self, request: Request) -> Response:
        try:
            return self._route(request)
        except Refused as error:
            return _refusal(error)
        except NoSuchRepository as error:
            return _refusal(Refused(404, "NAME_UNKNOWN", f"The repository {error} does not exist in the registry."))

    def _route(self, request: Request) -> Response:
        match = ROUTE.fullmatch(request.path)
        place = parse_host(match["host"]) if match else None
        if not _authorised(request, place):
            raise Refused(401, "UNAUTHORIZED", "Log in with ECR's authorization token.")
        if request.path == "/v2/":
            return Response("{}", content_type="application/json")
        if match is None or place is None:
            raise Refused(
                404, "NAME_INVALID", "A repository here is /v2/<account>.dkr.ecr.<region>.amazonaws.com/<name>."
            )
        repository = Repository(*place, match["name"])
        self._control_plane.image_digest(repository, "")  # refuses an unknown repository before any bytes are sent
        return self._part(match["kind"], match["rest"])(request, repository, match["rest"])

    def _part(self, kind: str, rest: str) -> Callable[[Request, Repository, str], Response]:
        if kind == "manifests":
            return self._manifest
        return self._upload if UPLOAD.fullmatch(rest) else self._blob

    def _blob(self, request: Request, repository: Repository, digest: str) -> Response:
        path = self._blobs.path(_digest(digest))
        if path is None:
            raise Refused(404, "BLOB_UNKNOWN", f"{digest} is not in {repository.name}.")
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "UNSUPPORTED", f"{request.method} of a blob is not supported.")
        headers = {"Docker-Content-Digest": digest, "Content-Length": str(path.stat().st_size)}
        body = wrap_file(request.environ, path.open("rb"), CHUNK)  # werkzeug leaves it out of the answer to HEAD
        return Response(body, headers=headers, content_type="application/octet-stream", direct_passthrough=True)

    def _upload(self, request: Request, repository: Repository, rest: str) -> Response:
        if request.method == "POST":
            return self._begin(request, repository)
        name = rest.removeprefix("uploads/")
        upload = self._uploads.get(name)
        if upload is None:
            raise Refused(404, "BLOB_UPLOAD_UNKNOWN", "There is no such upload.")
        if request.method == "GET":
            return _progress(204, request, repository, name, upload.stat().st_size)
        if request.method == "DELETE":
            self._uploads.pop(name).unlink(missing_ok=True)
            return Response(status=204)
        if request.method not in ("PATCH", "PUT"):
            raise Refused(405, "UNSUPPORTED", f"{request.method} of an upload is not supported.")
        _require_next_range(request, upload.stat().st_size)
        size = self._blobs.append(upload, _chunks(request))
        if request.method == "PATCH":
            return _progress(202, request, repository, name, size)
        return self._finish(request, repository, name)

    def _begin(self, request: Request, repository: Repository) -> Response:
        mounted = request.args.get("mount", "")
        if mounted and self._blobs.path(_digest(mounted)) is not None and _same_registry(request, repository):
            return _created(f"{_base(request, repository)}/blobs/{mounted}", mounted)
        name = uuid.uuid4().hex
        self._uploads[name] = self._blobs.begin()
        if "digest" not in request.args:  # also what cannot be mounted: the client then sends the blob
            return _progress(202, request, repository, name, 0)
        self._blobs.append(self._uploads[name], _chunks(request))
        return self._finish(request, repository, name)

    def _finish(self, request: Request, repository: Repository, name: str) -> Response:
        digest = _digest(request.args.get("digest", ""))
        try:
            self._blobs.finish(self._uploads.pop(name), digest)
        except DigestMismatch as error:
            raise Refused(400, "DIGEST_INVALID", f"{error}.") from error
        return _created(f"{_base(request, repository)}/blobs/{digest}", digest)

    def _manifest(self, request: Request, repository: Repository, reference: str) -> Response:
        if request.method == "PUT":
            return self._put_manifest(request, repository, reference)
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "UNSUPPORTED", f"{request.method} of a manifest is not supported.")
        digest = self._control_plane.image_digest(repository, reference)
        if digest is None or self._blobs.path(digest) is None:
            raise Refused(404, "MANIFEST_UNKNOWN", f"There is no image {reference} in {repository.name}.")
        content = self._blobs.read(digest)
        return Response(content, headers={"Docker-Content-Digest": digest}, content_type=_media_type(content))

    def _put_manifest(self, request: Request, repository: Repository, reference: str) -> Response:
        content = b"".join(_chunks(request, MANIFEST_LIMIT))
        self._require_blobs(content)
        tag = None if DIGEST.fullmatch(reference) else reference
        digest = self._blobs.add(content)
        if tag is None and digest != reference:
            raise Refused(400, "DIGEST_INVALID", f"{reference} was promised and {digest} arrived.")
        try:
            self._control_plane.put_image(repository, manifest=content, media_type=_media_type(content), tag=tag)
        except TagIsImmutable as error:
            raise Refused(
                400,
                "TAG_INVALID",
                f"The image tag '{error}' already exists in the '{repository.name}' repository "
                "and cannot be overwritten because the tag is immutable.",
            ) from error
        return _created(f"{_base(request, repository)}/manifests/{reference}", digest)

    def _require_blobs(self, content: bytes) -> None:
        for digest in map(_digest, _digests(content)):
            if self._blobs.path(digest) is None:
                raise Refused(400, "MANIFEST_BLOB_UNKNOWN", f"{digest} has not been uploaded.")


def _digests(content: bytes) -> list[str]:
    """Of the config and the layers."""
    try:
        manifest = json.loads(content)
        if "manifests" in manifest:
            raise Refused(400, "MANIFEST_INVALID", NO_INDEX)
        return [str(part["digest"]) for part in (manifest["config"], *manifest["layers"])]
    except (ValueError, KeyError, TypeError) as error:
        message = "Lambda takes one plain image manifest with a config and layers."
        raise Refused(400, "MANIFEST_INVALID", message) from error


def _media_type(content: bytes) -> str:
    """As the manifest says; where it does not, its config's kind tells."""
    manifest = json.loads(content)
    docker = manifest["config"].get("mediaType") == DOCKER_CONFIG
    return str(manifest.get("mediaType") or (DOCKER_MANIFEST if docker else IMAGE_MANIFEST))


def _created(location: str, digest: str) -> Response:
    return Response(status=201, headers={"Location": location, "Docker-Content-Digest": digest})


def _same_registry(request: Request, repository: Repository) -> bool:
    """ECR mounts within one registry only: one account and region."""
    host, _, _ = request.args.get("from", "").partition("/")
    return parse_host(host) == (repository.account, repository.region)


def _authorised(request: Request, place: tuple[str, str] | None) -> bool:
    """ECR's Basic login, with the password that moto's GetAuthorizationToken gives out for the account."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    account = place[0] if place else "123456789012"
    expected = b64encode(f"AWS:{account}-auth-token".encode()).decode()
    return scheme.lower() == "basic" and compare_digest(given.strip(), expected)


def _digest(text: str) -> str:
    if not DIGEST.fullmatch(text):
        raise Refused(400, "DIGEST_INVALID", f"{text!r} is not a sha256 digest.")
    return text


def _require_next_range(request: Request, size: int) -> None:
    start = request.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    if start and start != str(size):
        raise Refused(416, "RANGE_INVALID", f"The next byte is {size}.")


def _chunks(request: Request, limit: int | None = None) -> Iterator[bytes]:
    received = 0
    while chunk := request.stream.read(CHUNK):
        received += len(chunk)
        if limit is not None and received > limit:
            raise Refused(413, "SIZE_INVALID", f"More than {limit} bytes.")
        yield chunk


def _progress(status: int, request: Request, repository: Repository, name: str, size: int) -> Response:
    headers = {
        "Location": f"{_base(request, repository)}/blobs/uploads/{name}",
        "Docker-Upload-UUID": name,
        "Range": f"0-{max(size - 1, 0)}",
    }
    return Response(status=status, headers=headers)


def _base(request: Request, repository: Repository) -> str:
    return f"{request.host_url.rstrip('/')}/v2/{repository.uri}"


def _refusal(error: Refused) -> Response:
    body = json.dumps({"errors": [{"code": error.code, "message": str(error), "detail": None}]})
    response = Response(body, status=error.status, content_type="application/json")
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="deployer local registry"'
    return response
