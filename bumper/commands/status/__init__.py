"""``bumper status``: ``status.status`` reads all environments, ``overview`` lays the rows out.

``overview.Overview``, with its ``Row`` and ``Drift``, is what the table, the JSON and the page are made from.
"""
