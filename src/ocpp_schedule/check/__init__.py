"""The referee: re-derives every limit and every number of a plan from the models (convention 12)."""
