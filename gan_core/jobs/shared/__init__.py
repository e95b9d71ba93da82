"""What several handlers use; handlers do not import each other."""
