"""Were log files altered, removed or added? Digests, their chain, and the log files that they list.

``sources`` turns what was asked for into what is to be validated; ``scope``, with ``inventory``, is what must be there.
``validate`` accounts for it: ``chain_validation`` goes through a chain, ``reader`` reads its files, ``reconcile``
judges log files, ``origin`` says what a missing one means, ``facts`` what CloudTrail itself says. ``result`` is what
was found; ``check`` keeps it in a ``state`` file, ``export`` in a ``bundle``, ``lost`` finds who changed files.
``digests`` and ``timeline`` are pure. May import ``aws``, ``bucket_name``, ``cryptography``, ``errors``,
``global_services``, ``msgspec``, ``selectors``, ``storage``, ``threads``, ``times`` and ``trail``. Open ``validate``
first, then ``chain_validation``, and ``timeline/gaps`` for a time without a digest.
"""
