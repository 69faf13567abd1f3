"""A template that is too large to be sent inline is refused at synth, and the error names the fixes."""

from pathlib import Path

import aws_cdk as cdk
import pytest

from constructs_lib import Analytics, SecureTrail, SecurityProfile
from constructs_lib.inline_synthesizer import InlineSynthesizer
from tests.cdk.conftest import new_app

LIMIT_BYTES = 51_200


def app_with(profile: SecurityProfile, *, indented: bool = True) -> cdk.App:
    app = new_app()
    stack = cdk.Stack(app, "Stack", synthesizer=InlineSynthesizer(), suppress_template_indentation=not indented)
    analytics = Analytics() if profile is SecurityProfile.COMPLIANCE else None
    SecureTrail(stack, "SecureTrail", profile=profile, analytics=analytics)
    return app


def size_bytes(app: cdk.App) -> int:
    app.synth()
    return (Path(app.outdir) / "Stack.template.json").stat().st_size


def test_the_lab_profile_fits_with_room_to_spare() -> None:
    assert size_bytes(app_with(SecurityProfile.LAB)) < LIMIT_BYTES / 4


@pytest.mark.parametrize("indented", [True, False])
def test_a_larger_template_fails_at_synth_and_names_the_fix(*, indented: bool) -> None:
    """Leaving the indentation out does not help: the CLI writes the template anew before it measures it."""
    app = app_with(SecurityProfile.COMPLIANCE, indented=indented)

    with pytest.raises(RuntimeError, match=r"Stack\.template\.json has \d+ bytes.*Fix: bootstrap the account"):
        app.synth()


def test_the_fix_works() -> None:
    app = new_app()
    stack = cdk.Stack(app, "Stack", synthesizer=cdk.DefaultStackSynthesizer())
    SecureTrail(stack, "SecureTrail", profile=SecurityProfile.COMPLIANCE, analytics=Analytics())

    assert size_bytes(app) > LIMIT_BYTES
