"""Git as its clients meet it: ``http`` runs git's own programs, ``access`` says who may fetch and push at all, and
``hooks`` answers what git asks on each push (``hook_script`` is the program that git runs for that).
"""
