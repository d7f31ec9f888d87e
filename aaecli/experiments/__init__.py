"""Many trainings: benchmarks and cross-validation."""
