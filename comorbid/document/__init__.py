"""Documents: blocks, prose, figures and sections; they know neither pages nor plugins."""
