"""``bumper doctor``: ``doctor.doctor`` makes all checks, each part's in a module of its own.

A ``check.Report`` collects them: what was found, whether bump can work with it, and how to fix it.
"""
