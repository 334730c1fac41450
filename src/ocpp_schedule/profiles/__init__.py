"""Charging profiles that belong to no OCPP version: their shape, and their synthesis from a solution."""
