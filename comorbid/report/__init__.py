"""The press: from a report's folder to its pages and its lock, and back."""
