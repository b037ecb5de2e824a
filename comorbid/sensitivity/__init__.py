"""Sensitivity: how far a fit can be trusted."""
