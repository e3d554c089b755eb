"""What is said of GitLab's API besides its description, and how requests and answers are held against both."""

from collections.abc import Iterator, Mapping, Sequence

from tests.contract.recorder import Exchange
from tests.contract.reference import Nested, Operation, fields_of, fits, reference

REFERENCE = reference()  # read now: no test sees the machine's variables

_PROJECT = "/projects/{id}"
_MERGE_REQUESTS = f"{_PROJECT}/merge_requests"
_ONE = f"{_MERGE_REQUESTS}/{{merge_request_iid}}"
_REPOSITORY = f"{_PROJECT}/repository"
_COMMIT = f"{_REPOSITORY}/commits/{{sha}}"
_COMPARE = f"{_REPOSITORY}/compare"
_TRAIN = f"{_PROJECT}/merge_trains/merge_requests/{{merge_request_iid}}"

# The description leaves these out. GitLab's page about merge trains names the parameters (auto_merge since 17.11).
UNDESCRIBED: Mapping[tuple[str, str], frozenset[str]] = {
    ("GET", "/user"): frozenset(),
    ("GET", "/users/{id}"): frozenset(),
    # GitLab's page about events.
    ("GET", f"{_PROJECT}/events"): frozenset({"action", "after", "before", "page", "per_page", "sort"}),
    ("GET", _TRAIN): frozenset(),
    ("POST", _TRAIN): frozenset({"auto_merge", "when_pipeline_succeeds", "sha", "squash"}),
}

# Newer than the description: GitLab's merge request 225733, of 2026.
NEWER_PARAMETERS: Mapping[str, str] = {f"{_REPOSITORY}/commits": "follow"}

# Everything that bumper asks for.
ASKED = {
    ("GET", "/user"),
    ("GET", "/users"),
    ("GET", "/users/{id}"),
    ("GET", "/version"),
    ("GET", "/personal_access_tokens/self"),
    ("GET", _PROJECT),
    ("GET", _MERGE_REQUESTS),
    ("POST", _MERGE_REQUESTS),
    ("GET", _ONE),
    ("PUT", _ONE),
    ("GET", f"{_ONE}/approvals"),
    ("PUT", f"{_ONE}/reset_approvals"),
    ("POST", f"{_ONE}/notes"),
    ("GET", f"{_ONE}/commits"),
    ("PUT", f"{_ONE}/merge"),
    ("PUT", f"{_ONE}/rebase"),
    ("POST", f"{_ONE}/cancel_merge_when_pipeline_succeeds"),
    ("GET", f"{_PROJECT}/protected_branches"),
    ("GET", f"{_REPOSITORY}/branches/{{branch}}"),
    ("GET", f"{_REPOSITORY}/commits"),
    ("GET", f"{_COMMIT}/merge_requests"),
    ("GET", _COMPARE),
    ("GET", _TRAIN),
    ("POST", _TRAIN),
}

_WHOLE = ("merge-request", "merge-request-hosted")
# The real answers, where there are some.
_EXAMPLES: Mapping[tuple[str, str], Sequence[str]] = {
    ("GET", "/user"): ["user"],
    ("GET", "/users"): ["user"],
    ("GET", "/users/{id}"): ["user"],
    ("GET", "/version"): ["metadata"],
    ("GET", "/metadata"): ["metadata"],
    ("GET", _PROJECT): ["project"],
    ("GET", f"{_PROJECT}/pipelines"): ["pipeline"],
    ("GET", f"{_PROJECT}/protected_branches"): ["protected-branch"],
    ("GET", f"{_REPOSITORY}/branches"): ["branch", "branch-hosted"],
    ("GET", f"{_REPOSITORY}/branches/{{branch}}"): ["branch", "branch-hosted"],
    ("GET", f"{_REPOSITORY}/commits"): ["commit"],
    ("GET", _COMMIT): ["commit"],
    ("POST", _MERGE_REQUESTS): _WHOLE,
    ("GET", _ONE): _WHOLE,
    ("PUT", _ONE): _WHOLE,
    ("PUT", f"{_ONE}/merge"): _WHOLE,
    ("POST", f"{_ONE}/cancel_merge_when_pipeline_succeeds"): _WHOLE,
    ("GET", f"{_ONE}/approvals"): ["approvals"],
    ("POST", f"{_ONE}/notes"): ["merge-request-note"],
    ("GET", f"{_ONE}/commits"): ["commit"],
}

_NONE = frozenset[str]()
_NEWER_DIFF = frozenset({"collapsed", "too_large"})
# Fields that neither the description nor an example has, and why they are right.
_UNTOLD: Mapping[str, Nested] = {
    # The example is of an older GitLab.
    "/user": {"bot": _NONE, "locked": _NONE},
    "/users/{id}": {"bot": _NONE, "locked": _NONE},
    # The description gives a new note's id alone, and the example is older than these.
    f"{_ONE}/notes": {
        "type": _NONE,
        "internal": _NONE,
        "resolvable": _NONE,
        "author": frozenset({"avatar_url", "locked", "web_url"}),
    },
    # Described without an answer; GitLab's page about merge requests shows it.
    f"{_ONE}/rebase": {"rebase_in_progress": _NONE},
    # With with_labels_details, as the parameter's description has it; the answer's own knows labels as texts alone.
    _MERGE_REQUESTS: {"labels": frozenset({"id", "name"})},
    # Newer than the description.
    f"{_ONE}/diffs": dict.fromkeys(_NEWER_DIFF, _NONE),
    _COMPARE: {"diffs": _NEWER_DIFF},
}
_NAMED_BY_THE_COMMIT = {"trailers", "extended_trailers"}

_READ_OF_MERGE_REQUESTS = (
    "iid web_url state title description source_branch sha detailed_merge_status has_conflicts"
    " merge_when_pipeline_succeeds merge_commit_sha squash_commit_sha"
)
# What bumper reads in the answers, a dot before what is one level below.
_READ = {
    ("GET", "/user"): "username bot",
    ("GET", "/users"): "id",
    ("GET", "/users/{id}"): "bot",
    ("GET", "/version"): "version",
    ("GET", "/personal_access_tokens/self"): "scopes expires_at",
    ("GET", f"{_REPOSITORY}/branches/{{branch}}"): "protected can_push",
    ("GET", _PROJECT): (
        "merge_trains_enabled default_branch archived merge_requests_enabled merge_method permissions.project_access"
        " permissions.group_access"
    ),
    ("GET", _MERGE_REQUESTS): _READ_OF_MERGE_REQUESTS,
    ("POST", _MERGE_REQUESTS): _READ_OF_MERGE_REQUESTS,
    ("GET", _ONE): _READ_OF_MERGE_REQUESTS,
    ("PUT", _ONE): _READ_OF_MERGE_REQUESTS,
    ("GET", f"{_ONE}/approvals"): "approved_by",
    ("GET", f"{_ONE}/commits"): "id",
    ("GET", f"{_REPOSITORY}/commits"): "id message",
    ("GET", f"{_COMMIT}/merge_requests"): _READ_OF_MERGE_REQUESTS,
    ("GET", _COMPARE): "commits.id commits.message commits.title commits.author_name commits.author_email",
}
_FAILED = 400


def operation(exchange: Exchange) -> Operation:
    """The description's, or ours of what it leaves out."""
    found = REFERENCE.find(exchange.method, exchange.path)
    for (method, template), parameters in UNDESCRIBED.items():
        if found is None and method == exchange.method and fits(template, exchange.path):
            return Operation(template, parameters, {})
    assert found is not None, f"GitLab has no {exchange.method} {exchange.path}"
    return found


def unknown_parameters(exchange: Exchange) -> Iterator[str]:
    known = operation(exchange)
    for name in sorted(exchange.query | exchange.body):
        if name.removesuffix("[]") not in {*known.parameters, NEWER_PARAMETERS.get(known.template)}:
            yield f"{exchange.method} {known.template} does not take {name}"


def invented_fields(exchange: Exchange) -> Iterator[str]:
    """What the embedded server answers and GitLab does not; a failure has a shape of its own."""
    known, fields = operation(exchange), real_fields(exchange)
    if exchange.answer is None or exchange.status >= _FAILED or not fields:
        return
    for name, below in fields_of(exchange.answer).items():
        if name not in fields:
            yield f"{exchange.method} {known.template} does not answer {name}"
        elif name not in _NAMED_BY_THE_COMMIT:
            yield from (f"{known.template}: {name} has no {each}" for each in below - fields[name])


def unread_fields(exchange: Exchange) -> Iterator[str]:
    """What bumper reads, and GitLab or the embedded server does not answer."""
    key = exchange.method, operation(exchange).template
    if not exchange.answer or exchange.status >= _FAILED:
        return
    for fields in real_fields(exchange), fields_of(exchange.answer):
        for read in _READ.get(key, "").split():
            name, _, below = read.partition(".")
            if name not in fields or (below and fields[name] and below not in fields[name]):
                yield f"{key} without {read}"


def real_fields(exchange: Exchange) -> Nested:
    """The fields of an answer by the description, the examples and what is newer than both."""
    known = operation(exchange)
    examples = REFERENCE.example(*_EXAMPLES.get((exchange.method, known.template), []))
    told: list[Nested] = [known.fields, examples, _UNTOLD.get(known.template, {})]
    return {name: frozenset(below for one in told for below in one.get(name, ())) for one in told for name in one}
