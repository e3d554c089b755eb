"""/projects/:id/repository/tree and files."""

import base64
import hashlib

from bumper.sandbox.api.call import Answer, Call, page_of
from bumper.sandbox.api.git_views import View
from bumper.sandbox.behaviour.errors import not_found
from bumper.sandbox.git.repository import GitError


def tree(call: Call) -> Answer:
    """GET tree: the entries of a folder, folders first as git sorts within them; ``recursive`` for all below it."""
    commit = _commit(call)
    folder = call.parameters.text("path").strip("/")
    recursive = ["-r", "-t"] if call.parameters.flag("recursive") else []
    try:
        found = call.repository.git("ls-tree", "-z", *recursive, f"{commit}:{folder}" if folder else commit)
    except GitError:
        raise not_found("Tree") from None
    entries = [_entry(line, folder) for line in found.split("\0") if line]
    return page_of(call, entries, dict)


def show(call: Call) -> Answer:
    """GET files/:path: the file in base64, with the commit that touched it last."""
    commit, path = _commit(call), call.arguments["path"]
    content = _content(call, commit, path)
    return Answer(
        {
            "file_name": path.rpartition("/")[2],
            "file_path": path,
            "size": len(content),
            "encoding": "base64",
            "content": base64.b64encode(content).decode(),
            "content_sha256": hashlib.sha256(content).hexdigest(),
            "ref": call.parameters.text("ref", "HEAD"),
            "blob_id": call.repository.git("rev-parse", f"{commit}:{path}").strip(),
            "commit_id": commit,
            "last_commit_id": call.repository.git("log", "-1", "--format=%H", commit, "--", path).strip(),
        }
    )


def raw(call: Call) -> Answer:
    """GET files/:path/raw: the bytes."""
    return Answer(content=_content(call, _commit(call), call.arguments["path"]))


def _commit(call: Call) -> str:
    commit = call.repository.commit_id(call.parameters.text("ref", "HEAD"))
    if commit is None:
        raise not_found("Commit" if call.arguments.get("path") else "Tree")
    return commit


def _content(call: Call, commit: str, path: str) -> bytes:
    done = call.repository.run("cat-file", "blob", f"{commit}:{path}")
    if done.returncode:
        raise not_found("File")
    return done.stdout


def _entry(line: str, folder: str) -> View:
    facts, _, name = line.partition("\t")
    mode, kind, sha = facts.split()
    path = f"{folder}/{name}" if folder else name
    return {"id": sha, "name": name.rpartition("/")[2], "type": kind, "path": path, "mode": mode}
