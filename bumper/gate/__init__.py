"""The rules of an environment, each in one place: bump, promote, check and doctor ask the same ones.

``rules`` checks what may enter an environment, ``inheritance`` what reaches another one through a shared file. A rule
that is broken is a ``rules.Broken``: which one, why, and the command that does it right; ``rules.refuse`` makes a
refusal of it.

``promotions`` judges whether a source environment ran a version, has not taken it back, and for long enough,
and ``freeze`` until when nothing may enter.

``check`` and its parts (``check_pins``, ``check_changes``, ``check_past``) read a change of the repository and
ask the same rules about it.
"""
