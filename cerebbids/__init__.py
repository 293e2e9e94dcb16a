"""cerebbids: a BIDS-App that segments the human cerebellum from newborn to old age."""

__version__ = "0.8.0"
