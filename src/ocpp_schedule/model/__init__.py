"""Frozen pydantic inputs."""
