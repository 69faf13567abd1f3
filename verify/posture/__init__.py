"""Are the trail, its key and its bucket as they should be, and how well is the account protected?

``facts`` and ``score/collect`` ask AWS, and then ``policy_changes``, where a delivery decides what a policy leaves
open; ``checks``, ``resource_policies`` and the judges of ``score`` are pure and read the facts alone. ``model`` is what
a check is, ``fixes`` fills in its fix, ``ordered_fixes`` puts all in order, ``who`` asks who can blind the trail. May
import ``arn``, ``aws``, ``bucket_name``, ``errors``, ``fact``, ``policy``, ``selectors``, ``target``, ``threads`` and
``trail``. Imports run one way, as written: ``check``; ``checks``, ``score``, ``ordered_fixes``, ``who``; ``fixes``,
``policy_changes``; ``resource_policies``; ``model``; ``facts``.
Open ``check`` first: it runs the checks of a trail; then a table of ``checks``. For the score open ``score/run``.
"""
