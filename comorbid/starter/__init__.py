"""Files to start from: a working plugin with a passing test."""
