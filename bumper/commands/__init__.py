"""One module for each command: its steps in a straight line, from the request to the result.

A module offers a request (``BumpRequest``) and a function of the command's name (``bump``) that takes the session and
the request and returns a result; a ``BumperError`` says why it cannot be fulfilled, and leaves nothing half done. Only
the command line and the tests call them; two commands never call each other, except that ``demo`` runs the real ones.
"""
