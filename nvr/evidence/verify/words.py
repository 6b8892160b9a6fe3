"""The verdict in words, Indonesian and English: for people who were not there when the package was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from nvr.evidence.seal.times import iso
from nvr.evidence.verify.report import VerificationReport
from nvr.texts import Language

__all__ = ["OUTCOMES", "TEXTS", "describe", "finding_text", "note_text", "report_json"]

OUTCOMES: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "valid": "VALID: nothing was changed, removed or added, and a trusted certificate vouches for it",
        "intact": (
            "INTACT: nothing was changed, removed or added since it was signed. By whom is NOT known to this machine"
        ),
        "modified": "MODIFIED: it is not what was signed",
        "missing": "MISSING: a part of what was signed is not there",
        "added": "ADDED: there is something that was not signed",
        "unknown_key": "UNKNOWN KEY: it is whole, but none of the trusted certificates signed it",
        "unsupported": "UNSUPPORTED: this program can't check it",
        "malformed": "MALFORMED: it does not have the form of a sealed export",
    },
    "id": {
        "valid": "SAH: tidak ada yang diubah, dihapus atau ditambahkan, dan dijamin oleh sertifikat yang dipercaya",
        "intact": (
            "UTUH: tidak ada yang diubah, dihapus atau ditambahkan sejak ditandatangani."
            " Penanda tangannya TIDAK dikenal oleh mesin ini"
        ),
        "modified": "DIUBAH: isinya bukan yang ditandatangani",
        "missing": "HILANG: sebagian dari yang ditandatangani tidak ada",
        "added": "DITAMBAHKAN: ada sesuatu yang tidak ditandatangani",
        "unknown_key": "KUNCI TIDAK DIKENAL: utuh, tetapi tidak ditandatangani dengan sertifikat yang dipercaya",
        "unsupported": "TIDAK DIDUKUNG: program ini tidak dapat memeriksanya",
        "malformed": "BENTUK SALAH: bentuknya bukan ekspor tersegel",
    },
}

TEXTS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "no_manifest": "there is no manifest: not a package, or its manifest was removed",
        "too_large": "is larger than any manifest",
        "file_missing": "is named in the package and not there",
        "not_listed": "is not named in the manifest",
        "not_a_file": "is not a plain file",
        "other_folder": "calls the package's folder {folder}; by its manifest it is {expected}",
        "not_understood": "is damaged in a way that this program has no name for ({detail})",
        "symlink": "is a link: nothing of a package is elsewhere",
        "crc": "the ZIP says another CRC-32 than its bytes have",
        "hash": "its SHA-256 is another than the manifest says ({size} bytes, {expected_size} when exported)",
        "video_modified": (
            "differs from what was exported, first in bytes {first} to {last}, footage {start} to {end} ({size} bytes,"
            " {expected_size} when exported). {detail}"
        ),
        "manifest_signature": "the manifest, or signature {number} of it, was changed: they do not belong together",
        "other_certificate": "is not the certificate that the manifest names",
        "other_signatures": "has {have} signatures where the manifest has {need}, or others",
        "manifest_version": "its manifest is of version {version}, which this program does not know",
        "bad_manifest": "the manifest can't be read: {detail}",
        "bad_certificate": "a certificate can't be used: {detail}",
        "algorithm": "is signed with another algorithm than RSASSA-PSS with SHA-256",
        "bad_archive": "{detail}",
        "cut_off": "ends in the middle of a box: it was cut off",
        "bad_structure": "is not built as a sealed export is: {detail}",
        "no_seal": "has no seal at its end: it was cut off, or never sealed",
        "bad_seal": "its seal can't be read: {detail}",
        "trailing": "something stands behind the seal",
        "fragment_index": "has an index (mfra) behind the seal, which nothing protects",
        "not_fragmented": "is not fragmented, as a sealed export is",
        "seal_broken": "signature {detail} does not fit the bytes: they, or it, were changed",
        "unknown_key": "the certificate is {fingerprint}",
        "not_as_recorded": "the server found when it exported that {start} to {end} is not what was recorded",
        "not_delivered": "{start} to {end} could not be delivered: {detail}",
        "target": "Target",
        "form": "Form",
        "directory": "folder",
        "zip": "ZIP",
        "mp4": "single MP4",
        "export": "Export",
        "files": "{files} files, {bytes} bytes",
        "signature": "Signature {number}",
        "known": "trusted: given with --certificate",
        "unknown": "NOT KNOWN to this machine: compare this fingerprint with one from the operator of the system",
        "remark": "remark",
        "valid_from": "certificate valid {start} to {end}",
        "exporter": "exporter",
        "counter": "counter-signature",
        "note": "Note",
    },
    "id": {
        "no_manifest": "tidak ada manifes: bukan paket, atau manifesnya dihapus",
        "too_large": "lebih besar daripada manifes mana pun",
        "file_missing": "disebut dalam paket tetapi tidak ada",
        "not_listed": "tidak disebut dalam manifes",
        "not_a_file": "bukan berkas biasa",
        "other_folder": "menamai folder paket {folder}; menurut manifesnya {expected}",
        "not_understood": "rusak dengan cara yang tidak dikenal program ini ({detail})",
        "symlink": "adalah tautan: isi paket tidak boleh berada di tempat lain",
        "crc": "CRC-32 menurut ZIP berbeda dari isinya",
        "hash": "SHA-256-nya berbeda dari manifes ({size} bita, {expected_size} saat diekspor)",
        "video_modified": (
            "berbeda dari yang diekspor, pertama pada bita {first} sampai {last},"
            " rekaman {start} sampai {end} ({size} bita, {expected_size} saat diekspor). {detail}"
        ),
        "manifest_signature": "manifes, atau tanda tangan {number} padanya, diubah: keduanya tidak cocok",
        "other_certificate": "bukan sertifikat yang disebut dalam manifes",
        "other_signatures": "memiliki {have} tanda tangan sedangkan manifes {need}, atau yang lain",
        "manifest_version": "manifesnya versi {version}, yang tidak dikenal program ini",
        "bad_manifest": "manifes tidak dapat dibaca: {detail}",
        "bad_certificate": "sertifikat tidak dapat dipakai: {detail}",
        "algorithm": "ditandatangani dengan algoritme selain RSASSA-PSS dengan SHA-256",
        "bad_archive": "{detail}",
        "cut_off": "berakhir di tengah kotak: terpotong",
        "bad_structure": "susunannya bukan ekspor tersegel: {detail}",
        "no_seal": "tidak ada segel di akhirnya: terpotong, atau tidak pernah disegel",
        "bad_seal": "segelnya tidak dapat dibaca: {detail}",
        "trailing": "ada sesuatu di belakang segel",
        "fragment_index": "ada indeks (mfra) di belakang segel, yang tidak terlindungi",
        "not_fragmented": "tidak terbagi dalam fragmen seperti ekspor tersegel",
        "seal_broken": "tanda tangan {detail} tidak cocok dengan isinya: salah satunya diubah",
        "unknown_key": "sertifikatnya {fingerprint}",
        "not_as_recorded": "saat mengekspor, server mendapati {start} sampai {end} bukan yang direkam",
        "not_delivered": "{start} sampai {end} tidak dapat diserahkan: {detail}",
        "target": "Sasaran",
        "form": "Bentuk",
        "directory": "folder",
        "zip": "ZIP",
        "mp4": "satu MP4",
        "export": "Ekspor",
        "files": "{files} berkas, {bytes} bita",
        "signature": "Tanda tangan {number}",
        "known": "dipercaya: diberikan dengan --certificate",
        "unknown": "TIDAK DIKENAL oleh mesin ini: bandingkan sidik jari ini dengan yang dari pengelola sistem",
        "remark": "catatan",
        "valid_from": "sertifikat berlaku {start} sampai {end}",
        "exporter": "pengekspor",
        "counter": "tanda tangan kedua",
        "note": "Catatan",
    },
}


def _verdict(report: VerificationReport) -> str:
    return "intact" if report.outcome == "valid" and not report.signer_known else report.outcome


def finding_text(language: Language, code: str, values: Mapping[str, Any]) -> str:
    """A finding in words."""
    return TEXTS[language][code].format(**values).strip()


note_text = finding_text


def describe(report: VerificationReport, language: Language) -> list[str]:
    """The verdict as lines of text, the outcome last."""
    text = TEXTS[language]
    lines = [
        f"{text['target']}: {report.target} ({text[report.form]},"
        f" {text['files'].format(files=report.files, bytes=report.bytes)})"
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
    lines.append(OUTCOMES[language][_verdict(report)])
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
