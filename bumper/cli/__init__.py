"""The command line: arguments in; text, JSON and HTML out; progress and exit codes.

Each command is a Typer signature that builds a request for ``bumper.commands`` and prints what comes back; no step of
a request is decided here. From outside, only ``main.main`` (the installed program runs it) and ``main.app`` (the
commands, which the generated reference reads) are used.
"""
