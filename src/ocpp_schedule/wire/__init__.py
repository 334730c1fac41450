"""Neutral profiles to exact wire dicts, one literal field table per OCPP version."""
