"""What a GitOps repository holds before anybody has described it: environments, bases, Argo CD's manifests."""
