"""The lab's errors: one type, whose message is one line that says what is wrong and what to do."""


class LabError(Exception):
    """The lab could not do what was asked; the message names the fix."""
