"""What GitLab does, whoever asks for it: merge requests from creation to merge, auto-merge, pipelines, push options,
quick actions, and what a moved branch sets going. Much of it is done by jobs, some time after the request.
"""
