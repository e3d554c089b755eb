"""``bumper doctor``: each module makes the checks of one part, ``doctor.doctor`` runs them all.

``check.Check`` is what every check comes to: its name, whether it passed, what was found and how to fix it.
"""
