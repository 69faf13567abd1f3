"""What a person types: `python -m lab COMMAND`. Only this folder prints.

Imports `scenarios`, `instance`, and what both processes share. Nothing imports it but `lab/__main__.py`.
Open `commands.py` first.
"""
