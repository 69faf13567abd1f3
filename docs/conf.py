"""Settings of the documentation's site, which `make docs` builds.

https://www.sphinx-doc.org/en/master/usage/configuration.html
"""

project = "SecureTrail"
author = "SecureTrail maintainers"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "SecureTrail"
html_show_sourcelink = False
# Links to headings, as GitHub makes them.
myst_heading_anchors = 4
# Pages and programs outside of docs/ are no part of the site.
# The named queries are headings of the third level, under one of the first.
suppress_warnings = ["myst.xref_missing", "myst.header"]
