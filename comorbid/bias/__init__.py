"""Bias: small studies that differ from large ones, and results that were never published."""
