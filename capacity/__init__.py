"""How much load a deployment takes before callers notice: which loads to try, and when one is decided."""
