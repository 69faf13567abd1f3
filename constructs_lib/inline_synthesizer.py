"""A synthesizer that sends the template inline, with the caller's credentials: no bootstrap, but a size limit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import aws_cdk as cdk
import jsii

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
_MAX_INLINE_BYTES: Final = 51_200


class InlineSynthesizer(cdk.LegacyStackSynthesizer):
    """For accounts that were never bootstrapped; it refuses at synth a template that would fail at deployment.

    :param otherwise: how the app is told to use a bootstrapped account; part of the error's message. Default: - leave
        the synthesizer out
    :raises ValueError: (at synth) the template is larger than CloudFormation accepts inline. `app.synth()` shows it as
        jsii's ``RuntimeError``.
    """

    def __init__(self, *, otherwise: str = "leave the synthesizer out") -> None:
        super().__init__()
        self._otherwise = otherwise

    @jsii.member(jsii_name="bind")
    def bind(self, stack: cdk.Stack) -> None:
        """Remember the stack's template file, which CDK's legacy synthesizer does not expose."""
        super().bind(stack)
        self._template_file = stack.template_file

    @jsii.member(jsii_name="synthesize")
    def synthesize(self, session: cdk.ISynthesisSession) -> None:
        """Write the template and check its size.

        :param session: the synthesis session, whose output folder the template goes to.
        :raises ValueError: it is too large; names the fixes.
        """
        super().synthesize(session)
        template = self._template_file
        # The CDK CLI writes the template anew before it checks the size, so removing the indentation does not help. Its
        # YAML is a little shorter than this JSON: a template near the limit is refused here, not at deployment.
        document = json.loads((Path(session.outdir) / template).read_text())
        size_bytes = len(json.dumps(document, indent=1, ensure_ascii=False).encode())
        if size_bytes > _MAX_INLINE_BYTES:
            raise ValueError(
                f"{template} has {size_bytes} bytes. Allowed inline: {_MAX_INLINE_BYTES}. "
                f"Fix: bootstrap the account once (`cdk bootstrap`) and {self._otherwise}: CDK's standard "
                "synthesizer uploads the template to the bootstrap bucket."
            )
