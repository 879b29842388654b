"""The part of ECR's API that moto leaves open: pages, sizes, and what BatchDeleteImage says of images without a tag.

The rules are those of ECR's API reference (DescribeImages, ListImages, BatchDeleteImage).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.wrappers import Request, Response

from deployer.local.api_requests import body_of, json_answer, passed_on, region_of
from deployer.local.ecr import Repository
from deployer.local.moto_aws import ACCOUNT, MotoAws
from deployer.local.refusal import Refused

LISTS = {"DescribeImages": "imageDetails", "ListImages": "imageIds"}  # the part of the answer that comes in pages
PAGE, LONGEST_PAGE = 100, 1000
DELETED_AT_ONCE = 100

Body = Mapping[str, Any]


class EcrApi:
    """Answers requests for images; `answer` returns None for any other, which is moto's."""

    def __init__(self, aws: MotoAws) -> None:
        self._aws = aws

    def answer(self, request: Request) -> Response | None:
        region, action = region_of(request, service="ecr"), request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if not region or action not in (*LISTS, "BatchDeleteImage"):
            return None
        asked = body_of(request)
        with self._aws.lock:
            try:
                _require(asked, action)
                response = passed_on(self._aws.application, request)
                if response.status_code != 200:
                    return response
                said = json.loads(response.get_data())
                if action in LISTS:
                    return json_answer(200, self._page(asked, said, LISTS[action], region=region))
                return json_answer(200, _deleted(asked, said))
            except Refused as refused:
                return json_answer(refused.status, {"__type": refused.kind, "message": str(refused)})

    def _page(self, asked: Body, said: Body, part: str, *, region: str) -> Body:
        """Its token is the last image in it, so that deleting images between pages loses none."""
        repository = Repository(ACCOUNT, region, str(asked.get("repositoryName")))
        sizes = self._aws.image_sizes(repository) if part == "imageDetails" else {}
        found = [_sized(image, sizes) for image in said[part] if _wanted(image, asked)]
        if asked.get("imageIds"):
            return {part: found}
        left = [image for image in sorted(found, key=_key) if _key(image) > asked.get("nextToken", "")]
        page = left[: int(asked.get("maxResults") or PAGE)]
        more = {"nextToken": _key(page[-1])} if len(page) < len(left) else {}
        return {part: page, **more}


def _require(asked: Body, action: str) -> None:
    """Raises Refused for what ECR would not take."""
    wrong = ""
    if not 1 <= int(asked.get("maxResults") or PAGE) <= LONGEST_PAGE:
        wrong = f"The parameter maxResults must be between 1 and {LONGEST_PAGE}."
    if asked.get("imageIds") and ("maxResults" in asked or "nextToken" in asked):
        wrong = "The parameters maxResults and nextToken cannot be used with imageIds."
    if action == "BatchDeleteImage" and len(asked.get("imageIds") or ()) > DELETED_AT_ONCE:
        wrong = f"The parameter imageIds must hold at most {DELETED_AT_ONCE} images."
    if wrong:
        raise Refused(f"Invalid parameter: {wrong}", kind="InvalidParameterException")


def _wanted(image: Body, asked: Body) -> bool:
    status = (asked.get("filter") or {}).get("tagStatus", "ANY")
    tagged = bool(image.get("imageTags") or image.get("imageTag"))
    return bool(status == "ANY" or tagged == (status == "TAGGED"))


def _sized(image: Body, sizes: Mapping[str, int]) -> Body:
    size = sizes.get(str(image.get("imageDigest")))
    return image if size is None else {**image, "imageSizeInBytes": size}


def _key(image: Body) -> str:
    return f"{image['imageDigest']} {image.get('imageTag') or ''}"


def _deleted(asked: Body, said: Body) -> Body:
    """moto names a deleted image once for each of its tags, and so one without a tag not at all."""
    named = {one.get("imageDigest") for one in _ids(said.get("imageIds"))}
    failed = {one.get("imageId", {}).get("imageDigest") for one in said.get("failures") or ()}
    digests = dict.fromkeys(one.get("imageDigest") for one in _ids(asked.get("imageIds")))
    untagged = [{"imageDigest": digest} for digest in digests if digest and digest not in named | failed]
    return {**said, "imageIds": [*_ids(said.get("imageIds")), *untagged]}


def _ids(given: Sequence[Body] | None) -> Sequence[Body]:
    return given or ()
