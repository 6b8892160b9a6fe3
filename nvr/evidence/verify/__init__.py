"""Verification of packages and sealed MP4s: offline, without a server, a catalogue or a configuration.

Everything read here may have been made by somebody who wants it to pass. Nothing is put right, nothing is extracted,
and what is not understood is refused.
"""

from nvr.evidence.verify.check import verify
from nvr.evidence.verify.report import Finding, FindingKind, SignatureReport, VerificationReport

__all__ = ["Finding", "FindingKind", "SignatureReport", "VerificationReport", "verify"]
