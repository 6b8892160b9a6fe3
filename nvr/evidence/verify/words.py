"""The verdict in words: for people who were not there when the package was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nvr.evidence.seal.times import iso
from nvr.evidence.verify.report import Finding, VerificationReport
from nvr.texts import Language, words
from storage.sentences import Sentence, catalogued, fill

__all__ = ["describe", "finding_sentence", "finding_text", "note_text", "report_json"]


def _verdict(report: VerificationReport) -> str:
    return "intact" if report.outcome == "valid" and not report.signer_known else report.outcome


def finding_text(language: Language, code: str, values: Mapping[str, Any]) -> str:
    """A finding in words."""
    return fill(words(language).findings[code], values).strip()


def finding_sentence(finding: Finding) -> Sentence:
    """A finding with its place, to be said in any language."""
    what = catalogued(words("en").findings[finding.code], finding.values)
    return Sentence("{where}: {what}", where=finding.where, what=what)


note_text = finding_text


def describe(report: VerificationReport, language: Language) -> list[str]:
    """The verdict as lines of text, the outcome last."""
    text = words(language).findings
    lines = [
        f"{text['target']}: {report.target} ({text[report.form]},"
        f" {fill(text['files'], {'files': report.files, 'bytes': report.bytes})})"
    ]
    if "id" in report.about:
        request = report.about.get("request", {})
        case = f", {request['case']}" if request.get("case") else ""
        lines.append(f"{text['export']}: {report.about['id']}, {report.about['made']}{case}")
    elif report.about:
        lines.append(f"{text['export']}: {report.about['unit']}, {report.about['made']}")
    for signature in report.signatures:
        kind = text["exporter" if signature.number == 1 else "counter"]
        lines.append(f"{text['signature'].format(number=signature.number)} ({kind}): {signature.subject}")
        lines.append(f"  SHA-256 {signature.fingerprint}")
        lines.append(f"  {text['known' if signature.known else 'unknown']}")
        span = text["valid_from"].format(start=iso(signature.not_before_us)[:10], end=iso(signature.not_after_us)[:10])
        lines.append(f"  {span}")
        if signature.remark:
            lines.append(f"  {text['remark']}: {signature.remark}")
    lines += [f"{text['note']}: {where}: {note_text(language, code, values)}" for where, code, values in report.notes]
    for finding in report.findings:
        lines.append(f"{finding.kind.value}: {finding.where}: {finding_text(language, finding.code, finding.values)}")
    lines.append(words(language).outcomes[_verdict(report)])
    # Names and remarks are whoever's who made the package: they must not be able to write a verdict of their own on a
    # terminal.
    return ["".join(char if char.isprintable() else "\ufffd" for char in line) for line in lines]


def report_json(report: VerificationReport) -> dict[str, Any]:
    """The verdict for programs."""
    return {
        "outcome": report.outcome,
        "exit_code": report.exit_code,
        "signer_known": report.signer_known,
        "target": report.target,
        "form": report.form,
        "files": report.files,
        "bytes": report.bytes,
        "signatures": [
            {
                "number": signature.number,
                "certificate_sha256": signature.fingerprint,
                "subject": signature.subject,
                "not_before": iso(signature.not_before_us),
                "not_after": iso(signature.not_after_us),
                "remark": signature.remark,
                "known": signature.known,
            }
            for signature in report.signatures
        ],
        "findings": [
            {
                "kind": finding.kind.value,
                "where": finding.where,
                "code": finding.code,
                "message": finding_text("en", finding.code, finding.values),
                "values": dict(finding.values),
            }
            for finding in report.findings
        ],
        "notes": [
            {"where": where, "code": code, "message": note_text("en", code, values)}
            for where, code, values in report.notes
        ],
        "about": report.about,
    }
