"""What lies on disk: the workspace's folders, the SQLite index, run folders, clean-up."""
