"""Sections: functions from results to blocks, each buildable by itself."""
