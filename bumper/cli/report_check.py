"""The verdict of bumper check: for people, for programs, and as GitLab's Code Quality report."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bumper.cli.report import change_data
from bumper.cli.report_result import error_data, versions
from bumper.cli.screen import Column, Screen, Style, short_names, styled, table
from bumper.errors import BumperError, Refused
from bumper.files import write_text
from bumper.gate.check import Verdict
from bumper.gate.rules import Finding


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


_COLUMNS = (Column("environment"), Column("app"), Column("image"), Column("change"))


def check_text(verdict: Verdict, screen: Screen) -> str:
    """What changes, as a table, and one line a finding."""
    found = [(one.environment, change) for one in verdict.changes if (change := one.change) is not None]
    names = short_names(screen, (str(change.image) for _, change in found))
    columns = (*_COLUMNS, Column("file")) if screen.verbose else _COLUMNS
    rows = (
        (environment, change.app, names[str(change.image)], versions(change), f"{change.file}:{change.line}")
        for environment, change in found
    )
    lines = table(screen, columns, (row[: len(columns)] for row in rows), head=False)
    lines += [
        f"{styled(f'{one.file}:{one.line}', Style.BAD)}: {one.rule}: {one.message}: {one.fix}"
        for one in verdict.findings
    ]
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
