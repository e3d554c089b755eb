"""HTTP to GitLab, registries and Argo CD: one kind of session, one retry policy, one bound on time and size.

``session.Session`` is what python-gitlab gets; the other rooms ask by ``session.ask_once``;
``transport`` is below both. No other room imports requests.
"""
