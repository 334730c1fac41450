"""The proof that installed stacks keep every limit, whatever of them is lost (convention 23)."""
