"""What a person types: `python -m lab COMMAND`. Only this folder prints.

May import `botocore`, `errors`, `guide`, `instance`, `scenarios` and `settings`. Nothing imports it but
`lab/__main__.py`. Open `commands.py` first.
"""
