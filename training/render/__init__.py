"""Makes foregrounds whose alpha is exact, from nothing but numbers: no mesh, texture or photograph of others.

A tool for the desk, never part of the container. What a picture shows is composed without Blender (families, scene);
only `blender` imports it. docs/rendering.md says how to use it.
"""
