"""What links in merge requests and on status pages lead to: a file, a folder's files, a commit with its diff."""

from markupsafe import Markup

from bumper.sandbox.state.records import Project
from bumper.sandbox.state.world import World


def files_page(world: World, project: Project, ref: str) -> Markup | None:
    """The files of a branch, or at a commit; None where there is none."""
    commit = world.repository(project).commit_id(ref)
    if commit is None:
        return None
    names = world.repository(project).git("ls-tree", "-r", "-z", "--name-only", commit).split("\0")
    line = Markup("<li><a href='/{}/-/blob/{}/{}'>{}</a></li>")
    listed = Markup().join(line.format(project.path, ref, name, name) for name in names if name)
    return Markup("<h1>{}</h1><ul>{}</ul>").format(ref, listed)


def file_page(world: World, project: Project, place: str) -> Markup | None:
    """A file with its lines numbered; ``place`` is a branch or a commit, a slash, and a path."""
    repository = world.repository(project)
    refs = [ref for ref in repository.branches() if place.startswith(f"{ref}/")] or [place.partition("/")[0]]
    ref = max(refs, key=len)
    path = place.removeprefix(f"{ref}/")
    commit = repository.commit_id(ref)
    done = repository.run("cat-file", "blob", f"{commit}:{path}")
    if commit is None or done.returncode:
        return None
    line = Markup("<span id='L{}'>{}</span>\n")
    lines = done.stdout.decode("utf-8", "replace").removesuffix("\n").split("\n")
    numbered = Markup().join(line.format(number, text) for number, text in enumerate(lines, 1))
    head = Markup("<h1>{}</h1><p>{} at {}</p>").format(path, ref, commit[:12])
    return head + Markup("<pre class='diff lines' tabindex='0'>{}</pre>").format(numbered)


def commit_page(world: World, project: Project, name: str) -> Markup | None:
    """A commit's message and what it changed."""
    repository = world.repository(project)
    commit = repository.commit_id(name)
    if commit is None:
        return None
    about = repository.git("show", "--no-patch", "--format=%s%x00%an%x00%cI%x00%b", commit)
    subject, author, at, body = about.split("\0", 3)
    diff = repository.git("show", "--first-parent", "--format=", "--diff-merges=first-parent", commit)
    head = Markup("<h1>{}</h1><p><strong>{}</strong> <time>{}</time></p>").format(subject, author, at)
    text = Markup("<div class='text'><p>{}</p></div>").format(body.strip()) if body.strip() else Markup()
    return head + text + Markup("<pre class='diff' tabindex='0'>{}</pre>").format(coloured(diff))


def coloured(diff: str) -> Markup:
    """Each line by its kind; what stands before a file's first place is about the file, whatever it starts with."""
    kinds = {"+": "added", "-": "removed", "@": "place", "\\": "about"}
    line = Markup("<span class='{}'>{}</span>\n")
    parts, inside = [], False
    for text in diff.removesuffix("\n").split("\n"):
        inside = not text.startswith("diff --git ") and (inside or text.startswith("@@"))
        kind = kinds.get(text[:1], "same") if inside else "about"
        parts.append(line.format("file" if text.startswith("diff --git ") else kind, text))
    return Markup().join(parts)
