"""HTTP to GitLab, registries and Argo CD: one kind of session, one retry policy, one bound on time and size.

``Session`` is what python-gitlab gets; the other rooms send a ``Question`` by ``ask_once`` and import no requests.
"""

from bumper.http.adapter import Limits
from bumper.http.exchange import Answer, Question, ask_once
from bumper.http.failures import NoAnswer, UntrustedCertificate, explain_failure
from bumper.http.origin import is_loopback, is_private, origin
from bumper.http.session import Session

__all__ = [
    "Answer",
    "Limits",
    "NoAnswer",
    "Question",
    "Session",
    "UntrustedCertificate",
    "ask_once",
    "explain_failure",
    "is_loopback",
    "is_private",
    "origin",
]
