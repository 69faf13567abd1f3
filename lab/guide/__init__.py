"""The guided lab of `docs/lab/`: brings a lab to the beginning of a part, and says what a part still lacks.

What a learner has built is judged by `python -m verify … --json`, run as a program: the parts of the project do not
import each other. May import `errors`, `instance`, `scenarios` and `settings`.
Open `parts.py` first: the goals of each part, as data.
"""
