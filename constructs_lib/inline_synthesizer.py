"""Templates that travel inline, with the caller's own credentials: nothing to bootstrap, but a limit to their size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import aws_cdk as cdk
import jsii

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
_MAX_INLINE_BYTES: Final = 51_200


class InlineSynthesizer(cdk.LegacyStackSynthesizer):
    """For accounts that were never bootstrapped; it notices at synth what would fail at deployment.

    :param otherwise: how one's app is told to use a bootstrapped account, for the error's message. Default: - leave
        the synthesizer out
    :raises RuntimeError: (at synth) the template is larger than CloudFormation accepts inline.
    """

    def __init__(self, *, otherwise: str = "leave the synthesizer out") -> None:
        super().__init__()
        self._otherwise = otherwise

    @jsii.member(jsii_name="bind")
    def bind(self, stack: cdk.Stack) -> None:
        """Remember the stack, which CDK's own legacy synthesizer does not tell."""
        super().bind(stack)
        self._template_file = stack.template_file

    @jsii.member(jsii_name="synthesize")
    def synthesize(self, session: cdk.ISynthesisSession) -> None:
        """Write the template and measure it.

        :param session: where it is written to.
        :raises ValueError: it is too large; names the fixes.
        """
        super().synthesize(session)
        template = self._template_file
        # The CDK CLI writes the template anew before it measures it, so that a template without indentation wins
        # nothing. Its YAML is a little shorter than this JSON: better refused early than at deployment.
        document = json.loads((Path(session.outdir) / template).read_text())
        size_bytes = len(json.dumps(document, indent=1, ensure_ascii=False).encode())
        if size_bytes > _MAX_INLINE_BYTES:
            raise ValueError(
                f"{template} has {size_bytes} bytes. Allowed inline: {_MAX_INLINE_BYTES}. "
                f"Fix: bootstrap the account once (`cdk bootstrap`) and {self._otherwise}: CDK's standard "
                "synthesizer uploads the template to the bootstrap bucket."
            )
