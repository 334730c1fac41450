"""From stacks to messages, and the order in which they may be sent."""
