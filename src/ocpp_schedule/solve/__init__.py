"""The only home of OR-Tools: from a ``Problem`` to a ``Solution``."""
