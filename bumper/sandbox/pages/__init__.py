"""The HTML pages for people: lists of merge requests, and for each one its texts, its diff and two buttons."""
