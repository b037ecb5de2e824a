"""The audit with the pool: what needs effects and a fit, and what each repair would do to it."""
