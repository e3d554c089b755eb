"""GitLab's lines after a push."""

import textwrap

from bumper.delivery.by_push import PushOutput, read_push_output

RULER = "=" * 72


def alert_block(reason: str, *options: str) -> str:
    """An alert as Rails composes and Gitaly prints it: wrapped at 68 columns, every line centred, behind rulers."""
    quoted = " ".join(f"'{option}'" for option in options)
    text = f"Error encountered with push options {quoted}: {reason}"
    lines = [line.center(72).rstrip() for line in ["WARNINGS:", *textwrap.wrap(text, 68)]]
    return "\n".join(f"remote: {line}".rstrip() for line in ["", RULER, "", *lines, "", RULER, ""]) + "\n"


def test_the_merge_request_that_was_made_or_found() -> None:
    printed = (
        "remote: \nremote: View merge request for bumper/bump-staging-app-1:\n"
        "remote:   https://gitlab.example.com/git/team/gitops/-/merge_requests/12\nremote: \n"
        "To https://gitlab.example.com/git/team/gitops.git\n"
    )

    assert read_push_output(printed) == PushOutput(12, "https://gitlab.example.com/git/team/gitops/-/merge_requests/12")


def test_an_invitation_to_make_one_is_none() -> None:
    printed = (
        "remote: \nremote: To create a merge request for b, visit:\n"
        "remote:   https://gitlab.example.com/team/gitops/-/merge_requests/new?merge_request%5Bsource_branch%5D=b\n"
    )

    assert read_push_output(printed) == PushOutput()


def test_the_reason_is_read_whole_although_gitaly_wraps_and_centres_it() -> None:
    reason = "Label 'deploy to the production cluster of the bank' could not be created because you lack the permission"
    printed = alert_block(reason, "merge_request.create", "merge_request.target=main", "merge_request.label=x")

    assert read_push_output(f"{printed}remote: To create a merge request for b, visit:\n").error == reason
