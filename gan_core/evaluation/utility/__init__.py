"""Do synthetic images help a classifier? Protocol, arms, classifiers, the gain and its intervals: docs/evaluation.md."""
