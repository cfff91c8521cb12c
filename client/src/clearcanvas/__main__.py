"""`python -m clearcanvas`."""

from clearcanvas.cli.app import main

main()
