"""What pages read: no torch, no writing."""
