"""``python -m klieg``: the command line, nothing else."""

from klieg.cli import main

main()
