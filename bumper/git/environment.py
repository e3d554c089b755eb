"""The environment that git runs in: settings, credentials, CA; and what it must not inherit.

Credentials come to git this way alone, never by an argument, a URL or a file, so that no process list and no
.git/config ever shows one.
"""

import os
from collections.abc import Mapping, Sequence

from bumper.git.command import GitEnvironment
from bumper.settings import Settings

# What a git hook leaves in the environment (git rev-parse --local-env-vars): with these, git would work on another
# repository than ours. GIT_CONFIG_*, GIT_SSH* and GIT_SSL* stay: by them people set up SSH, CAs and proxies.
_INHERITED = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
_CONFIG = {
    "core.hooksPath": os.devnull,  # nobody's hooks run on bumper's commits and pushes
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "http.followRedirects": "false",  # the token's header would go with a redirect to another host
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "20",  # seconds without a byte: a server that accepts and never answers
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
    "protocol.ssh.allow": "always",
    "push.followTags": "false",
    "push.gpgSign": "false",
}


def local_environment(inherited: Mapping[str, str]) -> GitEnvironment:
    """Git in a repository of this machine: without what a git hook around bumper left in the environment."""
    return GitEnvironment({"GIT_OPTIONAL_LOCKS": "0"}, tuple(name for name in _INHERITED if name in inherited))


def git_environment(
    settings: Settings, inherited: Mapping[str, str], own: Sequence[tuple[str, str]] = ()
) -> GitEnvironment:
    """Git in the clone of the GitOps repository; ``own`` are further settings."""
    added = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true"}
    config = [*own, *_CONFIG.items()]
    address = settings.address
    if not address.over_ssh:
        if settings.token is not None:
            config.append((f"http.{address.url}.extraHeader", f"Authorization: Basic {settings.token.basic}"))
            config.append(("credential.helper", ""))  # a refused token is not to be asked of a helper again
        if settings.ca_file is not None:
            key = "http.sslCAPath" if settings.ca_file.is_dir() else "http.sslCAInfo"
            config.append((key, str(settings.ca_file)))
    elif "GIT_SSH_COMMAND" not in inherited and "GIT_SSH" not in inherited:
        added["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes -o ConnectTimeout=30 -o ServerAliveInterval=15"
    return GitEnvironment(added | _numbered(config, inherited), local_environment(inherited).removed)


def _numbered(config: Sequence[tuple[str, str]], inherited: Mapping[str, str]) -> dict[str, str]:
    """Settings as GIT_CONFIG_*, after those that somebody set already."""
    count = inherited.get("GIT_CONFIG_COUNT", "")
    first = int(count) if count.isdecimal() else 0
    numbered = {"GIT_CONFIG_COUNT": str(first + len(config))}
    for number, (key, value) in enumerate(config, first):
        numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return numbered
