"""Public builders, generators and evaluators for tests."""
