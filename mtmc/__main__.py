"""``python -m mtmc`` is the ``mtmc`` command."""

from mtmc.cli import main

main()
