"""What a request would change, and the texts that propose it. Pure: no git, no network, no clock.

``bump``, ``promote`` and ``rollback`` each turn the pins of an environment into a plan of edits;
``proposal.make_draft`` puts the plan together with ``proposal.Request`` and ``description.ProposalText`` into a
``proposal.Proposal`` (branch, commit message, merge request title and description), and says what Argo CD should run
once it has landed. What cannot be done is raised as ``Refused``, with the place in the files and the next step.
"""
