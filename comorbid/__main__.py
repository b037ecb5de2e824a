"""Run the command line as ``python -m comorbid``."""

from comorbid.cli import main

main(prog_name="comorbid")
