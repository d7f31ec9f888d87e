"""The left half of the program: networks, priors, objectives, the training step, checkpoints, export. torch."""
