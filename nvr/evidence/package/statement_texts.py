"""The words of the statement, in Indonesian and English: the reader may be in a court in Semarang or a laboratory
abroad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["BOTH", "SENTENCES"]

BOTH: Final[Mapping[str, str]] = {
    "title": "Pernyataan Rekaman / Statement of Footage",
    "case": "Nomor perkara / Case",
    "legal_basis": "Dasar hukum / Legal basis",
    "purpose": "Keperluan / Purpose",
    "requester": "Pemohon / Requested by",
    "approver": "Penyetuju / Approved by",
    "stated": "menurut {who} / as stated by {who}",
    "operator": "Petugas ekspor / Exported by",
    "holds": "Penahanan hukum / Legal holds",
    "id": "Nomor ekspor / Export",
    "made": "Dibuat / Made",
    "unit": "Sistem / System",
    "camera": "Kamera / Camera",
    "requested": "Rentang diminta / Range asked for",
    "delivered": "Diserahkan / Delivered",
    "recorded": "Terekam / Recorded",
    "missing": "Tanpa rekaman / No footage",
    "not_recorded": "Tidak terekam / Not recorded",
    "no_longer_there": "Tidak ada lagi / No longer there",
    "not_required": "Tidak wajib / Not required",
    "picture": "Gambar pertama / First picture",
    "gaps": "Celah dan penyebabnya / Gaps and their causes",
    "no_gaps": "Tidak ada celah / No gap",
    "files": "Berkas dan SHA-256 / Files and SHA-256",
    "clock": "Jam server saat ekspor / Server clock at export",
    "camera_clock": "Jam kamera / Camera's own clock",
    "camera_clock_none": "tidak diberitahukan kamera / not told by the camera",
    "camera_clock_ahead": "{first} ... {last} terhadap jam server / against the server's clock",
    "clock_true": "tersinkron / synchronised",
    "clock_false": "TIDAK tersinkron / NOT synchronised",
    "clock_none": "tidak diketahui / not known",
    "certificate": "Sertifikat penanda tangan (SHA-256) / Signer's certificate (SHA-256)",
    "verify": "Cara memeriksa / How to verify",
    "warning": "PERHATIAN / ATTENTION",
    "not_known": "belum diketahui / not known yet",
    "none": "tidak disebutkan / not given",
}

SENTENCES: Final[Mapping[str, tuple[str, str]]] = {
    "operation": (
        "Rekaman disalin sebagaimana direkam, tanpa dikodekan ulang."
        " Hanya waktu dekode dan nomor urut pada kepala fragmen, serta waktu pada kepala berkas, yang disetel ulang.",
        "The footage was copied as recorded, without re-encoding."
        " Only decode times and sequence numbers in fragment headers, and times in file headers, were set anew.",
    ),
    "stated": (
        'Yang bertanda "menurut" adalah pernyataan orang yang disebut;'
        " tanda tangan hanya membuktikan bahwa hal itu dinyatakan demikian. Selebihnya tercatat dalam katalog sistem.",
        'What is marked "as stated by" is the word of whoever is named;'
        " the signature proves only that it was stated so. All else is on record in the system's catalogue.",
    ),
    "preroll": (
        "Setiap berkas dimulai pada gambar kunci sebelum awal rentang dan berakhir dengan fragmen utuh,"
        " sehingga dapat memuat beberapa detik lebih.",
        "Each file begins at the keyframe before the range and ends with a whole fragment,"
        " so it may hold a few seconds more.",
    ),
    "verify": (
        "Jalankan: nvr verify FOLDER_ATAU_ZIP --certificate SERTIFIKAT.der. Tidak perlu server atau jaringan."
        " Sertifikat harus diperoleh langsung dari pengelola sistem, bukan dari paket ini;"
        " bandingkan sidik jarinya dengan yang di bawah. Berkas MP4 juga dapat diperiksa dengan pemutar ONVIF,"
        " dan manifest.json dengan OpenSSL (RSASSA-PSS, SHA-256, salt 20).",
        "Run: nvr verify FOLDER_OR_ZIP --certificate CERTIFICATE.der. It needs no server and no network."
        " Get the certificate from the operator of the system, not from this package,"
        " and compare its fingerprint with the one below."
        " The MP4 files can also be checked with the ONVIF player, and manifest.json with OpenSSL"
        " (RSASSA-PSS, SHA-256, salt 20).",
    ),
    "not_as_recorded": (
        "{count} segmen tidak sama dengan saat direkam (SHA-256 berbeda): lihat manifest.json.",
        "{count} segments are not what they were when they were recorded (their SHA-256 differs): see manifest.json.",
    ),
    "not_delivered": (
        "{count} bagian rekaman tidak dapat diserahkan: lihat manifest.json.",
        "{count} stretches of footage could not be delivered: see manifest.json.",
    ),
    "clock_step": (
        "Jam server disetel dari {at} ke {to}."
        " Yang direkam dua kali pada waktu yang sama ada di berkasnya masing-masing.",
        "The server's clock was set from {at} to {to}."
        " What was recorded twice at the same time is in files of its own.",
    ),
    "unverified": (
        "{count} segmen masih ditulis saat diekspor, sehingga belum memiliki SHA-256 perekaman.",
        "{count} segments were still being written when they were exported,"
        " so no SHA-256 of the recording exists for them yet.",
    ),
    "more": ("{count} lagi: lihat manifest.json.", "{count} more: see manifest.json."),
    "signed": (
        "Daftar lengkap ada di manifest.json, yang ditandatangani;"
        " pernyataan ini tercantum di dalamnya dengan SHA-256-nya.",
        "The full list is in manifest.json, which is signed; this statement is named in it with its SHA-256.",
    ),
}
