"""The job queue, the worker processes that empty it, and one handler for each kind of job."""
