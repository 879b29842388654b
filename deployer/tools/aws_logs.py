"""The log of a function, as CloudWatch keeps it. No boto3 here: `logs` is its client."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from deployer.tools.aws_errors import code

_LOG_STREAMS = 5  # the newest ones: a function writes one for each execution environment
_LISTED_STREAMS = 50  # DescribeLogStreams gives no more in one answer


def recent(logs: Any, group: str, *, version: str, limit: int) -> tuple[str, ...]:
    """The last lines, oldest first; empty where there is none yet.

    With `version` of that version's alone: Lambda names a log stream `YYYY/MM/DD/[VERSION]HASH`.
    """
    try:
        listed = logs.describe_log_streams(
            logGroupName=group, orderBy="LastEventTime", descending=True, limit=_LISTED_STREAMS
        )["logStreams"]
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return ()
        raise
    streams = [stream["logStreamName"] for stream in listed]
    if version:
        streams = [stream for stream in streams if f"[{version}]" in stream]
    events = [
        event
        for stream in streams[:_LOG_STREAMS]
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream, limit=limit)["events"]
    ]
    events.sort(key=lambda event: event["timestamp"])
    return tuple(event["message"].rstrip("\n") for event in events[-limit:])
