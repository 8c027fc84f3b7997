"""The caller's side: the plan of a run, its calls, and the record that each of them leaves."""
