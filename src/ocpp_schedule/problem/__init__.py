"""Compiles models to read-only integer arrays of stated shape, with a name for every row."""
