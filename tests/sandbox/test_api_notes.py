from bumper.sandbox import Sandbox
from tests.sandbox.client import Api, add_branch


def test_notes_newest_first(sandbox: Sandbox, bot: Api, alice: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy")

    made = bot.post("/merge_requests/1/notes", body="First")
    alice.post("/merge_requests/1/notes", body="Second, @bob")

    assert made["author"]["name"] == "bumper"
    assert [note["body"] for note in bot.get("/merge_requests/1/notes")] == ["Second, @bob", "First"]
    assert [note["body"] for note in bot.get("/merge_requests/1/notes", sort="asc")] == ["First", "Second, @bob"]
    assert bot.get("/merge_requests/1")["user_notes_count"] == 2
    assert sandbox.mentions == ["bob"]
    assert bot("POST", "/merge_requests/1/notes").json() == {"error": "body is missing"}


def test_quick_actions_are_carried_out_and_taken_away(sandbox: Sandbox, bot: Api, alice: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy", description='Text\n/label ~deploy ~"two words"\n/assign @carol\n')

    shown = bot.get("/merge_requests/1")
    only_actions = alice("POST", "/merge_requests/1/notes", body="/approve\n/close")

    assert shown["description"] == "Text"
    assert shown["labels"] == ["deploy", "two words"]
    assert shown["assignees"][0]["username"] == "carol"
    assert only_actions.status_code == 202
    assert only_actions.json()["commands_changes"] == {"approve": True, "close": True}
    assert bot.get("/merge_requests/1")["state"] == "closed"
    assert bot.get("/merge_requests/1/approvals")["approved_by"][0]["user"]["username"] == "alice"


def test_a_merge_in_a_note_merges(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy")

    bot("POST", "/merge_requests/1/notes", body="/merge")

    assert bot.get("/merge_requests/1")["state"] == "merged"


def test_a_merge_in_a_description_merges(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy")

    assert bot.open("deploy", description="Innocent\n\n/merge")["state"] == "merged"


def test_code_and_comments_do_nothing(sandbox: Sandbox, bot: Api) -> None:
    text = "`@bob` and mail@carol\n```\n/close\n@alice\n```\n<!--\n/close\n@alice\n-->\n /close\nsee /close"
    add_branch(sandbox, "deploy")
    bot.open("deploy", description=text)

    shown = bot.get("/merge_requests/1")

    assert (shown["state"], shown["description"]) == ("opened", text)
    assert sandbox.mentions == []


def test_an_update_notifies_only_who_was_not_mentioned_before(sandbox: Sandbox, bot: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy", title="For @alice", description="cc @bob, not @stranger")

    bot.put("/merge_requests/1", title="For @alice again", description="cc @bob and @carol")
    bot.put("/merge_requests/1", labels="a")

    assert sandbox.mentions == ["alice", "bob", "carol"]


def test_a_note_is_changed_by_its_author_or_a_maintainer(sandbox: Sandbox, bot: Api, alice: Api) -> None:
    add_branch(sandbox, "deploy")
    bot.open("deploy")
    own = f"/merge_requests/1/notes/{bot.post('/merge_requests/1/notes', body='First')['id']}"
    others = f"/merge_requests/1/notes/{alice.post('/merge_requests/1/notes', body='Mine')['id']}"

    assert bot.put(own, body="Second")["body"] == "Second"
    assert bot("PUT", others, body="Yours").status_code == 403
    assert alice.put(own, body="Third")["body"] == bot.get(own)["body"] == "Third"
