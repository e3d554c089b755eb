"""HTTP to GitLab, registries and Argo CD: one kind of session, one retry policy, one bound on time and size.

``Session`` is what python-gitlab gets; the other rooms send a ``Question`` by ``ask_once``. No other room imports
requests.
"""

from bumper.http.adapter import Limits
from bumper.http.failures import (
    NoAnswer,
    RequestFailed,
    UntrustedCertificate,
    explain_failure,
    is_loopback,
    is_private,
    origin,
)
from bumper.http.session import Answer, Question, Session, ask_once

__all__ = [
    "Answer",
    "Limits",
    "NoAnswer",
    "Question",
    "RequestFailed",
    "Session",
    "UntrustedCertificate",
    "ask_once",
    "explain_failure",
    "is_loopback",
    "is_private",
    "origin",
]
