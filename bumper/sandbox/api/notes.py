"""/projects/:id/merge_requests/:iid/notes: comments, with the quick actions that they carry out."""

from dataclasses import replace

from bumper.sandbox.api.call import Answer, Call, page_of
from bumper.sandbox.api.views import note_view
from bumper.sandbox.behaviour import merge_requests
from bumper.sandbox.behaviour.errors import not_found
from bumper.sandbox.behaviour.pipelines import process_auto_merges
from bumper.sandbox.behaviour.quick_actions import read_text
from bumper.sandbox.state.records import Note, Role
from bumper.sandbox.state.world import now


def list_all(call: Call) -> Answer:
    """GET: the notes, newest first unless asked otherwise."""
    merge_request = call.merge_request
    descending = call.parameters.choice("sort", ("asc", "desc"), "desc") == "desc"
    notes = sorted(call.world.notes(merge_request), key=lambda note: note.id, reverse=descending)
    return page_of(call, notes, lambda note: note_view(call.world, merge_request, note))


def show(call: Call) -> Answer:
    """GET: one note."""
    return Answer(note_view(call.world, call.merge_request, _note(call)))


def update(call: Call) -> Answer:
    """PUT: another text for a note of one's own, or a Maintainer's for anybody's."""
    found = _note(call)
    call.require_role(Role.REPORTER if found.author == call.user.username else Role.MAINTAINER)
    call.parameters.require("body")
    changed = replace(found, body=call.parameters.text("body"), updated_at=now())
    call.world.records.notes[found.id] = changed
    return Answer(note_view(call.world, call.merge_request, changed))


def _note(call: Call) -> Note:
    number = call.arguments["note"]
    found = next((note for note in call.world.notes(call.merge_request) if str(note.id) == number), None)
    if found is None:
        raise not_found()
    return found


def create(call: Call) -> Answer:
    """POST: a comment; 202 when it holds nothing but quick actions."""
    call.require_role(Role.REPORTER)
    call.parameters.require("body")
    world, merge_request = call.world, call.merge_request
    actions = read_text(world, call.parameters.text("body"))
    note = world.add_note(merge_request, call.user.username, actions.body) if actions.body.strip() else None
    merge_requests.carry_out(world, call.project, call.user, merge_request, actions)
    process_auto_merges(world, call.project, merge_request.sha)
    if note is None:
        done = dict.fromkeys(sorted(actions.commands), True)
        return Answer({"commands_changes": done, "summary": [f"Applied {name}." for name in done]}, 202)
    return Answer(note_view(world, merge_request, note), 201)
