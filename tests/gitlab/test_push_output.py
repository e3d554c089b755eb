"""GitLab's lines after a push."""

from bumper.gitlab.push_output import Told, read_remote_lines

RULER = "=" * 72


def test_the_merge_request_that_was_made_or_found() -> None:
    said = (
        "remote: \nremote: View merge request for bumper/bump-staging-app-1:\n"
        "remote:   https://gitlab.example.com/git/team/gitops/-/merge_requests/12\nremote: \n"
        "To https://gitlab.example.com/git/team/gitops.git\n"
    )

    assert read_remote_lines(said) == Told(12, "https://gitlab.example.com/git/team/gitops/-/merge_requests/12")


def test_an_invitation_to_make_one_is_none() -> None:
    said = (
        "remote: \nremote: To create a merge request for b, visit:\n"
        "remote:   https://gitlab.example.com/team/gitops/-/merge_requests/new?merge_request%5Bsource_branch%5D=b\n"
    )

    assert read_remote_lines(said) == Told()


def test_the_reason_why_there_is_none() -> None:
    said = (
        f"remote: {RULER}\nremote: \nremote: WARNINGS:\nremote: \n"
        "remote: Error encountered with push options 'merge_request.create', 'merge_request.target=main': "
        "The target branch main does not exist.\nremote: \n"
        f"remote: {RULER}\nremote: \nremote: To create a merge request for b, visit:\n"
    )

    assert read_remote_lines(said).error == "The target branch main does not exist"
