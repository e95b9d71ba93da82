"""Training steps that are not the common adversarial one."""
