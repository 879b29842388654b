"""A second opinion on the template: checkov's rules for AWS. terraform's own is in test_template.py.

checkov runs in an environment of its own at a pinned version, which uv makes in seconds; each rule that the template
does not keep is here with its reason, so that a new one is a decision.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from deployer.templates import template_folder
from deployer.tools.python_interpreter import find_uv

CHECKOV = "checkov==3.3.30"
KEPT_OTHERWISE = {
    ("CKV_AWS_76", "aws_apigatewayv2_stage.live"): "the function's own log has each request, as for a Function URL",
    ("CKV_AWS_158", "aws_cloudwatch_log_group.this"): "CloudWatch encrypts it; a key of the user's is not asked for",
    ("CKV_AWS_272", "aws_lambda_function.this"): "Lambda has no code signing for images, which go by digest",
    ("CKV_AWS_301", "aws_lambda_permission.public_invoke"): "only with spec.auth: none, which is warned of",
    ("CKV_AWS_301", "aws_lambda_permission.public_url"): "only with spec.auth: none, which is warned of",
    ("CKV_AWS_309", "aws_apigatewayv2_route.preflight"): "browsers ask OPTIONS without a signature: docs/aws-rules.md",
    ("CKV_AWS_338", "aws_cloudwatch_log_group.this"): "spec.log_retention_days is the user's to choose",
}


def checked(folder: Path) -> dict[str, Any]:
    """checkov's report; nothing is fetched but the package."""
    own = ["--skip-download", "--quiet", "--compact", "--output", "json"]
    argv = [str(find_uv()), "tool", "run", "--from", CHECKOV, "checkov", "--framework", "terraform", *own]
    done = subprocess.run([*argv, "--directory", str(folder)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode in (0, 1), done.stderr  # 1: it found something
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_the_template_keeps_checkovs_rules_but_these() -> None:
    """Rules that are not kept, and none that is kept by now."""
    report = checked(template_folder())
    found = {(one["check_id"], one["resource"]) for one in report["results"]["failed_checks"]}

    assert 0 == report["summary"]["parsing_errors"]
    assert report["summary"]["passed"] >= 30
    assert set(KEPT_OTHERWISE) == {(rule, resource.partition("[")[0]) for rule, resource in found}
