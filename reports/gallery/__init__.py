"""Recorded runs of the lab, and the pages that each notebook makes of them."""
