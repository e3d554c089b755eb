"""The rules of an environment, each in one place: bump, promote, check and doctor ask the same ones.

``rules`` checks what may enter an environment, also through a file that it shares with another one. A rule that is
broken is a ``rules.Broken``: which one, why, and the command that does it right.

``promotions`` judges whether a source environment ran a version, has not taken it back, and for long enough,
and ``freeze`` until when nothing may enter.

``check`` asks the same rules about a change of the repository, whose pins ``check_pins`` reads and compares.
"""
