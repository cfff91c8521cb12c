"""The program `clearcanvas`."""
