"""git, on a partial clone of the GitOps repository without a work tree. The only room that imports GitPython.

``clone`` fetches one commit without files; ``checkout.Checkout`` reads files and refs from it, ``commit.write_commit``
makes a new commit, and ``commit.push`` sends it with a lease. ``past_commits`` reads the branch's past,
``local_tree`` a checkout on this machine. ``failures.PushRaceLost`` means that somebody else pushed first;
``command.GitFailed`` is every other failure, explained in one sentence by ``failures``.
"""
