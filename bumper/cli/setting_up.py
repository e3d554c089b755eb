"""Commands that set bumper up for a GitOps repository, and those that stay on this machine: files and a sandbox."""

import sys
from functools import partial
from pathlib import Path

import typer

from bumper.cli import options as opt
from bumper.cli.common import Reading, with_options
from bumper.cli.options import REGISTRIES, REPOSITORY, argument, flag, number, option
from bumper.cli.run import Output, run_of
from bumper.cli.screen import painted, styled_diff
from bumper.errors import WrongUsage
from bumper.settings import environment


def init(
    context: typer.Context,
    place: str | None = argument("A folder in the checkout of the GitOps repository, or a URL.", "DIR", default=None),
    repo: str | None = option(
        "--repo", "The repository's URL; outside a checkout BUMPER_REPO counts, too.", "URL", REPOSITORY
    ),
    branch: str | None = opt.BRANCH,
    gitlab_url: str | None = opt.GITLAB_URL,
    environments: list[str] | None = option(
        "--environment", "An environment and the pattern of its values files (repeatable).", "NAME=PATTERN"
    ),
    dry_run: bool = flag("--dry-run", "Print bumper.yaml, write nothing."),
    verbose: bool = opt.VERBOSE,
    output: Output = opt.OUTPUT_FORM,
) -> None:
    """Look through a GitOps repository and write bumper.yaml: environments, applications, bases.

    In a git checkout that checkout is meant, and bumper.yaml is written at its root; for a URL it is written here. An
    existing one is never overwritten. Example: bumper init --environment 'prod=apps/{app}/prod/values.yaml' --dry-run
    """
    from bumper.cli.text import init_text
    from bumper.commands.init import InitRequest, read_environments
    from bumper.commands.init import init as run
    from bumper.environments.discovery.init_text import printable
    from bumper.git.local_tree import checkout_root, find_root
    from bumper.settings import read_settings

    if place is not None and repo is not None:
        raise WrongUsage(f"both {place} and --repo name a repository", "give one of them")
    this_run, environ = run_of(context), environment()
    url = repo or (place if place is not None and _is_url(place) else None)
    if url is None and place is None and find_root(Path()) is None:
        url = environ.get("BUMPER_REPO")
    settings = read_settings(environ, repo=url, branch=branch, gitlab_url=gitlab_url) if url else None
    where = settings.address.url if settings is not None else checkout_root(Path(place or "."))
    stream = sys.stderr if this_run.output == "json" else sys.stdout
    print(f"Looking through {printable(str(where))}", file=stream, flush=True)
    request = InitRequest(Path(place or "."), dry_run, read_environments(environments or ()))
    done = run(request, settings, environ)
    if done.nothing is None or this_run.output == "text":
        this_run.show(done, lambda done: done.config, init_text, done.warnings)
    if done.nothing is not None:
        raise done.nothing


@with_options
def doctor(
    verify: bool = flag(
        "--verify/--no-verify", "Ask the registries about images that the values name.", REGISTRIES, default=True
    ),
    *,
    common: Reading,
) -> None:
    """Check repository, token, GitLab, protected branch, registries and bumper.yaml; say how to fix each.

    Nothing is changed. It exits 0 if bump has all that it needs. Argo CD gets ARGOCD_AUTH_TOKEN (see ARGOCD_SERVER).

    Example: bumper doctor --no-verify
    """
    from bumper.cli import data, text
    from bumper.commands.doctor.check import failure
    from bumper.commands.doctor.doctor import doctor as run

    checks = run(common.settings(), environment(), verify=verify)
    as_text = partial(text.doctor_text, encoding=sys.stdout.encoding)
    common.run.show(checks, data.doctor_data, as_text, error=failure(checks))


def schema(
    files: list[str] | None = argument("Check these files instead; - for stdin.", "FILE", default=None),
) -> None:
    """Print the JSON Schema of bumper.yaml, with which editors complete and check it.

    Example: bumper schema > bumper.schema.json
    """
    from bumper.environments.config import parse_config, schema_text
    from bumper.environments.config_models import CONFIG_FILE
    from bumper.files import read_body

    for file in files or []:
        parse_config(read_body(file), file if file != "-" else CONFIG_FILE)
    if not files:
        print(schema_text(), end="")


def pins(
    context: typer.Context,
    files: list[str] = argument("Values files, or folders of them.", "FILE|DIR"),
    output: Output = opt.OUTPUT_FORM,
) -> None:
    """List the pins of local files that `bumper set` could edit. No git, no network.

    Example: bumper pins apps/backend/envs/staging/values.yaml
    """
    from bumper.cli import data, text
    from bumper.commands.pins import list_pins

    listed = list_pins(files)
    run_of(context).show(listed, data.pins_data, text.pins_text, listed.warnings)


def set_tag(
    context: typer.Context,
    image: str = argument("registry/repository:tag[@digest]", "IMAGE"),
    files: list[str] = argument("Values files; - for stdin to stdout.", "FILE"),
    path: str | None = option("--path", 'Only the pin at this path: a.b[0].tag, a["b.c"].tag', "PATH"),
    dry_run: bool = flag("--dry-run", "Show the diff, change no file."),
    output: Output = opt.OUTPUT_FORM,
) -> None:
    """Rewrite an image's tag in local files, in place. No git, no network.

    Example: bumper set registry.example.com/backend/app:1.0.3 values-staging.yaml
    """
    from bumper.cli import data, text
    from bumper.commands.set_tag import STDIN
    from bumper.commands.set_tag import set_tag as run
    from bumper.image import parse_image

    if Path(image).is_file():
        what = f"{image!r} is a file, but the image comes first"
        raise WrongUsage(what, f"write bumper set {' '.join([files[0], image, *files[1:]])}")
    done = run(parse_image(image), files, path, dry_run=dry_run)
    diff = done.diff.rstrip("\n") if dry_run else ""
    to_stderr = STDIN in files and not dry_run  # stdout is the edited file's
    run_of(context).show(
        done, data.set_data, lambda done, screen: f"{text.set_text(done, screen)}\n{diff}".rstrip("\n"),
        done.warnings, diff=diff, to_stderr=to_stderr,
    )  # fmt: skip


def sandbox(
    port: int = number("--port", "Port to listen on; 0 takes a free one.", "N", 0, 65535, default=0),
    directory: Path | None = option("--dir", "Keep everything here.", "DIR", file_okay=False),
    settings: list[str] | None = option(
        "--set",
        "Play another kind of GitLab, such as merge_method=ff; docs/reference/sandbox.md lists the settings. "
        "Repeatable.",
        "NAME=VALUE",
    ),
) -> None:
    """Serve an embedded GitLab-compatible server with a sample GitOps repository, until ^C.

    Example: bumper sandbox --port 8080 --set merge_access=developers
    """
    from bumper.commands.sandbox import read_settings, serve

    serve(port, directory, read_settings(settings or []), lambda line: print(line, flush=True))


def demo() -> None:
    """Run bump, promote and rollback end to end against the embedded server, and end by itself.

    Example: bumper demo
    """
    from bumper.commands.demo import demo as run

    raise typer.Exit(run(lambda text: print(text, flush=True), lambda diff: painted(styled_diff(diff), sys.stdout)))


def _is_url(place: str) -> bool:
    """Whether ``place`` is not a folder but an address, with a scheme or as ``git@host:group/project``."""
    host, colon, _ = place.partition(":")
    return "://" in place or (bool(colon) and "@" in host and not Path(place).exists())
