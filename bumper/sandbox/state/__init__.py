"""What the server remembers: ``records`` (plain data, saved as JSON), ``settings`` (the kind of GitLab), ``jobs``
(what is still to be done), ``world`` (all of it under one lock), ``identity`` (who may do what), and what a new server
starts with (``seed``).
"""
