"""The verdict of bumper check: for people, for programs, and as GitLab's Code Quality report."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bumper.cli.report import change_data, error_data
from bumper.errors import BumperError, Refused
from bumper.files import write_text
from bumper.gate.check import Finding, Verdict


def check_data(verdict: Verdict, error: BumperError | None) -> dict[str, Any]:
    """The contract's JSON of check, with the error where there is one."""
    changes = [
        {"environment": one.environment} | change_data(change)
        for one in verdict.changes if (change := one.change) is not None
    ]  # fmt: skip
    findings = [_finding_data(finding) for finding in verdict.findings]
    data = {"changes": changes, "findings": findings, "ok": not findings}
    return data | (error_data(error) if error is not None else {})


def _finding_data(finding: Finding) -> dict[str, Any]:
    return {
        "environment": finding.environment,
        "app": finding.app,
        "file": finding.file,
        "line": finding.line,
        "rule": str(finding.rule),
        "message": finding.message,
        "fix": finding.fix,
    }


def check_text(verdict: Verdict) -> str:
    """What changes, as a table, and one line a finding."""
    rows = [
        (
            one.environment, change.app, str(change.image), f"{change.before} -> {change.after}",
            f"{change.file}:{change.line}",
        )
        for one in verdict.changes if (change := one.change) is not None
    ]  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    ]
    lines += [
        f"{one.file}:{one.line}: {one.rule}: {one.message}: {one.fix}" for one in verdict.findings
    ]  # fmt: skip
    return "\n".join(lines) or "no pin changes"


def check_error(verdict: Verdict) -> Refused | None:
    """The failure that the findings come to."""
    count = len(verdict.findings)
    if not count:
        return None
    return Refused(
        f"bumper.yaml does not allow this change ({count} {'finding' if count == 1 else 'findings'})",
        "do what each of them says",
    )


def write_code_quality(path: Path, findings: Sequence[Finding]) -> None:
    """GitLab's Code Quality report, which shows each finding in the merge request's diff."""
    report = [
        {
            "description": f"{one.message}: {one.fix}",
            "check_name": f"bumper-{one.rule}",
            "fingerprint": _fingerprint(one),
            "severity": "blocker",
            "location": {"path": one.file, "lines": {"begin": one.line}},
        }
        for one in findings
    ]
    write_text(path, json.dumps(report, ensure_ascii=False, indent=2) + "\n", "--codequality")


def _fingerprint(finding: Finding) -> str:
    """Of what is wrong and where, without the line: GitLab knows by it whether it has seen the finding before."""
    parts = (finding.environment, finding.app, finding.file, finding.rule, finding.message)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
