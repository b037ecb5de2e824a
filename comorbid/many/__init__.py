"""Many: one pool a group of a long table, of any number of groups and rows."""
