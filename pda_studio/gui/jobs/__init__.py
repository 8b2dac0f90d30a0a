"""Background work: the worker, and the list of jobs."""
