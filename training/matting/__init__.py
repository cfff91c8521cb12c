"""Trains the matting network that we ship. A tool for the desk and for GPU machines; never part of the container.

Only this folder imports torch. Its packages are locked in requirements.txt beside this file.
"""
