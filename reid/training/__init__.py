"""Training: trainer, step, losses, schedule, log, several processes."""
