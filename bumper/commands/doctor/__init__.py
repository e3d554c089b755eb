"""What ``bumper doctor`` looks at: each module makes the checks of one part."""
