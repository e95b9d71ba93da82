"""The networks of the student projects that Ganvas reproduces as recipes."""
