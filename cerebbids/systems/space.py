"""The space that all systems work in. Nothing is imported here: names and settings need no more of it than this."""

SPACE = "MNI152NLin2009aSym"
"""Name of the working space: 197 x 233 x 189 voxels of 1 mm, RAS, exactly symmetric about x = 0."""
