"""The versions of a function on the local AWS are what Lambda's rules make of them, through boto3."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_endpoint import LocalEndpoint


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    made = LocalEndpoint(tmp_path_factory.mktemp("blobs"))
    yield made
    made.close()


def refused(call: Callable[..., Any], **asked: Any) -> tuple[int, str]:
    """The status and the exception's name that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**asked)
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"], caught.value.response["Error"]["Code"]


def release(functions: Any, name: str, **changed: Any) -> str:
    """Change the configuration and publish it; the version's number."""
    functions.update_function_configuration(FunctionName=name, **changed)
    return str(functions.publish_version(FunctionName=name)["Version"])


def numbers(functions: Any, name: str) -> list[str]:
    pages = functions.get_paginator("list_versions_by_function").paginate(FunctionName=name)
    return [version["Version"] for page in pages for version in page["Versions"]]


def test_a_version_s_number_is_never_given_again(aws: LocalEndpoint) -> None:
    """Neither after the newest is deleted nor after all are; a function made anew begins with 1."""
    functions = aws.function("numbered")
    assert ["2", "3"] == [release(functions, "numbered", Timeout=timeout) for timeout in (4, 5)]
    for version in ("1", "3"):
        functions.delete_function(FunctionName="numbered", Qualifier=version)
    assert (["$LATEST", "2"], "4") == (numbers(functions, "numbered"), release(functions, "numbered", Timeout=6))
    for version in ("2", "4"):
        functions.delete_function(FunctionName="numbered", Qualifier=version)
    uri = aws.image("numbered", "another")
    published = functions.update_function_code(FunctionName="numbered", ImageUri=uri, Publish=True)
    assert ("5", ["$LATEST", "5"]) == (published["Version"], numbers(functions, "numbered"))
    functions.delete_function(FunctionName="numbered")
    aws.function("numbered")
    assert ["$LATEST", "1"] == numbers(functions, "numbered")


def test_a_version_without_siblings_that_is_deleted_has_had_its_number(aws: LocalEndpoint) -> None:
    """Also the one that CreateFunction published."""
    functions = aws.function("first")
    functions.delete_function(FunctionName="first", Qualifier="1")
    assert functions.publish_version(FunctionName="first")["Version"] == "2"


def test_what_has_not_changed_is_not_published_again(aws: LocalEndpoint) -> None:
    """The last version is answered, also after updates that changed nothing, and whatever description is given."""
    functions = aws.function("same", Timeout=3)
    uri = functions.get_function(FunctionName="same")["Code"]["ImageUri"]
    functions.update_function_code(FunctionName="same", ImageUri=uri)
    functions.update_function_configuration(FunctionName="same", Timeout=3)
    assert functions.publish_version(FunctionName="same", Description="again")["Version"] == "1"
    assert functions.update_function_code(FunctionName="same", ImageUri=uri, Publish=True)["Version"] == "1"
    assert release(functions, "same", Description="said") == "2"
    assert (functions.publish_version(FunctionName="same")["Version"], release(functions, "same", Timeout=4)) == (
        *("2", "3"),
    )


def test_a_version_of_other_code_is_refused_where_the_code_is_named(aws: LocalEndpoint) -> None:
    """CodeSha256 of PublishVersion guards against a change in between."""
    functions = aws.function("guarded")
    functions.update_function_code(FunctionName="guarded", ImageUri=aws.image("guarded", "new"))
    current = functions.get_function_configuration(FunctionName="guarded")["CodeSha256"]
    asked = {"FunctionName": "guarded", "CodeSha256": "0" * 64}
    assert (400, "InvalidParameterValueException") == refused(functions.publish_version, **asked)
    assert functions.publish_version(FunctionName="guarded", CodeSha256=current)["Version"] == "2"


def test_a_version_stays_as_it_was_published(aws: LocalEndpoint) -> None:
    """Description, image, digest, settings and time, by number and by alias, whatever $LATEST becomes."""
    functions = aws.function("kept", Description="one", Timeout=3)
    functions.create_alias(FunctionName="kept", Name="live", FunctionVersion="1")
    asked = {"FunctionName": "kept", "Qualifier": "1"}
    first, code = functions.get_function_configuration(**asked), functions.get_function(**asked)["Code"]
    functions.update_function_configuration(FunctionName="kept", Description="two", Timeout=9)
    new = aws.image("kept", "new")
    second = functions.update_function_code(FunctionName="kept", ImageUri=new, Publish=True)
    assert ("one", 3, "Active") == (first["Description"], first["Timeout"], first["State"])
    assert ("two", 9, new.partition("sha256:")[2]) == (
        *(second[name] for name in ("Description", "Timeout", "CodeSha256")),
    )
    again = functions.get_function_configuration(**asked)
    by_alias = functions.get_function_configuration(FunctionName="kept", Qualifier="live")
    same = ("Description", "CodeSha256", "LastModified", "Timeout", "Version", "State")
    assert [{name: first[name] for name in same}] * 2 == [
        {name: one[name] for name in same} for one in (again, by_alias)
    ]
    assert (f"{first['FunctionArn']}", ":live") == (again["FunctionArn"], by_alias["FunctionArn"][-5:])
    assert code == functions.get_function(**asked)["Code"]
    assert functions.get_function(FunctionName="kept", Qualifier="2")["Code"]["ImageUri"] == new


def test_times_are_as_lambda_writes_them(aws: LocalEndpoint) -> None:
    """To the millisecond, in UTC, and $LATEST's is that of its last change."""
    functions = aws.function("timed")
    changed = functions.update_function_configuration(FunctionName="timed", Timeout=7)["LastModified"]
    functions.publish_version(FunctionName="timed")
    listed = functions.list_versions_by_function(FunctionName="timed")["Versions"]
    times = {version["Version"]: version["LastModified"] for version in listed}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", time) for time in times.values()), times
    assert times["1"] < changed == times["$LATEST"] <= times["2"]


def test_versions_are_listed_in_pages(aws: LocalEndpoint) -> None:
    """Every version once and in order, at most 50 in a page, also when one is deleted between two pages."""
    functions = aws.function("paged")
    for memory in range(129, 189):
        release(functions, "paged", MemorySize=memory)
    page = functions.list_versions_by_function(FunctionName="paged", MaxItems=1000)
    assert (50, "$LATEST") == (len(page["Versions"]), page["Versions"][0]["Version"])
    assert ["$LATEST", *map(str, range(1, 62))] == numbers(functions, "paged")
    first = functions.list_versions_by_function(FunctionName="paged", MaxItems=3)
    functions.delete_function(FunctionName="paged", Qualifier="2")
    second = functions.list_versions_by_function(FunctionName="paged", MaxItems=3, Marker=first["NextMarker"])
    assert ["3", "4", "5"] == [version["Version"] for version in second["Versions"]]
    asked = {"FunctionName": "nobody"}
    assert (404, "ResourceNotFoundException") == refused(functions.list_versions_by_function, **asked)


def test_what_cannot_be_deleted_is_refused(aws: LocalEndpoint) -> None:
    """$LATEST, a version by its alias's name, and one that an alias needs; deleting twice is no error."""
    functions = aws.function("clung")
    release(functions, "clung", Timeout=4)
    functions.create_alias(FunctionName="clung", Name="live", FunctionVersion="2")
    for qualifier in ("$LATEST", "live"):
        asked = {"FunctionName": "clung", "Qualifier": qualifier}
        assert (400, "InvalidParameterValueException") == refused(functions.delete_function, **asked)
    asked = {"FunctionName": "clung", "Qualifier": "2"}
    assert (409, "ResourceConflictException") == refused(functions.delete_function, **asked)
    for _ in range(2):
        functions.delete_function(FunctionName="clung", Qualifier="1")
    assert ["$LATEST", "2"] == numbers(functions, "clung")
    asked = {"FunctionName": "nobody", "Qualifier": "1"}
    assert (404, "ResourceNotFoundException") == refused(functions.delete_function, **asked)
