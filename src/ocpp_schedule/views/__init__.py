"""Read-only views of a plan: text, frames, figures, archive."""
