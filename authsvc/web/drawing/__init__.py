"""
Drawings of the console as SVG, made on the server: numbers in, markup out.

Nothing here reads a request, a clock or the database. The content security policy allows no inline style, so a drawing
carries classes and presentation attributes, and ``console.css`` gives both themes their colours. Every drawing has a
title and a description, and comes with the table of the same data (``Figure``), for whoever cannot see it.
"""
