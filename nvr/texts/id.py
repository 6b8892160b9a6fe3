"""Bahasa Indonesia, in the register of a city office. The same words as the page's."""

from __future__ import annotations

from nvr.texts.words import Units, Words
from storage.causes import Cause, CauseClass

WORDS = Words(
    language="id",
    name="Bahasa Indonesia",
    months=(
        "Januari",
        "Februari",
        "Maret",
        "April",
        "Mei",
        "Juni",
        "Juli",
        "Agustus",
        "September",
        "Oktober",
        "November",
        "Desember",
    ),
    short_months=("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"),
    weekdays=("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"),
    units=Units("hari", "jam", "mnt", "dtk", ",", "."),
    causes={
        Cause.DISABLED: "Dinonaktifkan atas perintah",
        Cause.MAINTENANCE: "Pemeliharaan terencana",
        Cause.SCHEDULE: "Di luar jadwal perekaman",
        Cause.NOT_CONFIGURED: "Kamera tidak terdaftar",
        Cause.UNREACHABLE: "Kamera tidak terjangkau",
        Cause.UNAUTHORIZED: "Kamera menolak kata sandi",
        Cause.REJECTED: "Kamera menolak sambungan",
        Cause.STALLED: "Tersambung, tetapi tidak ada gambar",
        Cause.ENDED: "Kamera menutup sambungan",
        Cause.CORRUPT: "Gambar rusak di perjalanan",
        Cause.CLOCK_STEP: "Jam server disetel ulang",
        Cause.OVERLOAD: "Server kelebihan beban",
        Cause.DISK_FULL: "Disk penuh",
        Cause.DISK_ERROR: "Kesalahan disk",
        Cause.RECORDER_CRASHED: "Perekam berhenti mendadak",
        Cause.SERVER_DOWN: "Server tidak berjalan",
        Cause.PRUNED: "Dihapus menurut kebijakan retensi",
        Cause.DELETED: "Dihapus oleh petugas",
        Cause.MISSING: "Berkas hilang atau berubah",
        Cause.UNKNOWN: "Penyebab tidak diketahui",
    },
    classes={
        CauseClass.ADMINISTRATIVE: "Administratif",
        CauseClass.NETWORK: "Jaringan",
        CauseClass.CAMERA: "Kamera",
        CauseClass.SERVER: "Server",
        CauseClass.POLICY: "Kebijakan",
    },
    categories={
        "recorded": "Terekam",
        "network": "Jaringan",
        "camera": "Kamera",
        "server": "Server",
        "planned": "Terencana",
        "administrative": "Administratif",
        "absent": "Belum terdaftar",
        "removed": "Tidak ada lagi",
    },
    details={
        "reason": "alasan",
        "error": "galat",
        "message": "pesan",
        "order": "perintah",
        "letter": "surat",
        "policy": "kebijakan",
        "by": "oleh",
        "user": "oleh",
        "person": "oleh",
        "attempts": "percobaan",
        "exit_code": "kode keluar",
        "signal": "sinyal",
        "path": "berkas",
        "lost_frames": "gambar hilang",
        "step_s": "loncatan (dtk)",
        "segments": "segmen",
        "bytes": "bita",
    },
    report={
        "title": "Laporan kekosongan rekaman",
        "subtitle": (
            "Setiap detik dalam periode ini terekam, atau merupakan kekosongan dengan penyebab yang disebutkan."
        ),
        "period": "Periode",
        "known_until": "Diketahui sampai",
        "made": "Dibuat",
        "made_by": "Dibuat oleh",
        "zone": "Waktu",
        "zone_text": "{zone} ({offset}); UTC di sampingnya",
        "zone_utc": "UTC",
        "filters": "Saringan",
        "no_filter": "tidak ada: semua kamera, semua penyebab",
        "filter_camera": "kamera {value}",
        "filter_group": "label {value}",
        "filter_cause": "penyebab {value}",
        "filter_class": "golongan {value}",
        "filter_effect": (
            "Waktu terekam dan waktu wajib rekam adalah untuk seluruh periode;"
            " hanya kekosongan dengan penyebab ini yang didaftar."
        ),
        "folding": "Penggabungan",
        "not_folded": "tidak ada: kekosongan berapa pun lamanya didaftar",
        "folded": (
            "kekosongan di bawah {length} dihitung sebagai rekaman dalam daftar: {gaps}, seluruhnya {missing};"
            " angka cakupan memperhitungkannya"
        ),
        "folding_to": "kekosongan di bawah {length} dihitung sebagai rekaman; jumlahnya disebutkan di akhir",
        "camera": "Kamera",
        "cameras": "Kamera",
        "camera_id": "Id",
        "labels": "Label",
        "start": "Mulai",
        "end": "Selesai",
        "length": "Lama",
        "cause": "Penyebab",
        "class": "Golongan",
        "detail": "Keterangan",
        "gap": "kekosongan",
        "gaps": "Kekosongan",
        "missing": "Kosong",
        "longest": "Terlama",
        "recorded": "Terekam",
        "required": "Wajib rekam",
        "coverage": "Cakupan",
        "outages": "Gangguan",
        "mtbf": "Rata-rata waktu antargangguan",
        "mttr": "Rata-rata lama gangguan",
        "planned": "Terencana",
        "administrative": "Administratif",
        "removed": "Tidak ada lagi",
        "not_recorded": "Tidak terekam",
        "no_longer_there": "Tidak ada lagi",
        "not_required": "Tidak wajib",
        "not_known_yet": "Belum diketahui",
        "asked": "Diminta",
        "clock": "Jam",
        "step": (
            "Jam server diubah dari {at} ke {to}, saat {cameras} kamera direkam;"
            " bila dimundurkan, ada waktu yang terekam dua kali"
        ),
        "more_steps": "dan {count} kali lagi",
        "still_open": "masih berlangsung per {time}",
        "no_gaps": "Tidak ada kekosongan dalam periode ini.",
        "summary": "Ringkasan",
        "by_cause": "Menurut penyebab",
        "by_class": "Menurut golongan",
        "total": "Jumlah",
        "share": "Bagian",
        "picture": "Cakupan per jam",
        "picture_text": (
            "Satu baris per hari menurut zona waktu laporan, satu kolom per jam. Isian menunjukkan bagian yang terekam;"
            " warna selebihnya adalah golongan penyebab dengan bagian terlama."
        ),
        "not_known": "belum diketahui",
        "more_gaps": (
            "{count} kekosongan lain dari kamera ini tidak dicetak di sini; laporan CSV dan JSON memuat semuanya."
        ),
        "more_cameras": (
            "{count} kamera lain tidak dicetak di sini; pilih lebih sedikit,"
            " atau gunakan laporan CSV atau JSON yang memuat semuanya."
        ),
        "definition": (
            "Cakupan adalah waktu terekam dibagi waktu wajib rekam. "
            "Waktu wajib rekam ialah yang terekam ditambah yang hilang karena jaringan, kamera, atau server. "
            "Waktu terencana (pemeliharaan, jadwal), waktu administratif (perintah, kamera belum diatur), "
            "dan rekaman yang kemudian dihapus berada di luarnya dan ditunjukkan tersendiri. "
            "Penyebab kekosongan ialah yang berlaku pada saat itu; waktu menurut jam server, tepat hingga mikrodetik."
        ),
        "page": "Halaman {page} dari {pages}",
        "server": "nvr {version}",
    },
    alerts={
        "opened": "nvr: {what}",
        "changed": "nvr: sekarang {what}",
        "parted": "nvr: {what}",
        "resolved": "nvr: selesai: {what}",
        "closed": "nvr: ditutup: {what}",
        "camera_down": "Kamera {name} tidak terekam",
        "camera_down_over": "kamera {name} terekam kembali",
        "camera_down_left": "kamera {name} tidak wajib direkam lagi",
        "cameras_down": "{down} dari {of} kamera tidak terekam ({subject})",
        "cameras_down_over": "semua {count} kamera terekam kembali ({subject})",
        "cameras_down_mixed": "{back} dari {count} kamera terekam kembali, {left} tidak wajib direkam lagi ({subject})",
        "cameras_down_left": "{left} kamera tidak wajib direkam lagi ({subject})",
        "cameras_down_parted": "{back} dari {all} kamera terekam kembali, yang masih belum: {down} ({subject})",
        "disk_low": "Disk rekaman {subject} hampir penuh: sisa {free}, batasnya {floor}",
        "root_absent": "Disk rekaman {subject} tidak ada",
        "sync_late": (
            "Disk rekaman {subject} lambat menyinkronkan: bila listrik padam, rekaman hingga {worst} bisa hilang,"
            " padahal dijanjikan paling banyak {limit}"
        ),
        "held_beyond": (
            "Penahanan hukum menyimpan {beyond} melebihi max_bytes: {cams};"
            " rekaman yang lebih baru tidak dihapus karenanya"
        ),
        "promise_at_risk": "{cams} tidak akan memenuhi umur minimum rekaman, mulai {from}",
        "clock_unsynchronised": "Jam server tidak tersinkron",
        "recorded_little": "terekam kurang dari {percent} % dari yang seharusnya dalam satu jam terakhir: {cams}",
        "frames_lost": "{cams} kehilangan frame dalam satu jam terakhir",
        "time_stamps_off": "cap waktu salah dalam satu jam terakhir: {cams}",
        "keyframes_apart": "jarak keyframe jauh lebih panjang daripada sehari sebelumnya: {cams}",
        "login_refused": (
            "Kamera {name} menolak kata sandinya ({failures} kali);"
            " dicoba lagi mulai {next}, atau bila seseorang memintanya"
        ),
        "certificate_changed": (
            "Kamera {name} menunjukkan sertifikat lain dari sebelumnya dan tidak direkam sampai seseorang menerimanya"
        ),
        "deletion_waiting": (
            "Penghapusan menunggu keputusan: {subject}{reason}; {hours} jam rekaman dari {cameras} kamera."
            " Tidak ada yang dihapus sampai seseorang mengesahkan: nvr retention confirm {subject}"
        ),
        "disk_low_over": "disk rekaman {subject} tidak lagi hampir penuh",
        "root_absent_over": "disk rekaman {subject} sudah ada kembali",
        "sync_late_over": "disk rekaman {subject} kembali disinkronkan tepat waktu",
        "held_beyond_over": "penahanan hukum tidak lagi menyimpan lebih dari max_bytes",
        "promise_at_risk_over": "semua kamera akan memenuhi umur minimum rekaman",
        "clock_unsynchronised_over": "jam server tersinkron kembali",
        "recorded_little_over": "tidak ada kamera yang terekam terlalu sedikit dalam satu jam terakhir",
        "frames_lost_over": "tidak ada kamera yang kehilangan banyak frame dalam satu jam terakhir",
        "time_stamps_off_over": "tidak ada cap waktu kamera yang salah dalam satu jam terakhir",
        "keyframes_apart_over": "tidak ada lagi kamera dengan jarak keyframe yang tidak biasa",
        "login_refused_over": "kamera {name}: kata sandinya tidak ditolak lagi",
        "certificate_changed_over": "kamera {name} tidak lagi menunjukkan sertifikat yang tidak dikenal",
        "deletion_waiting_over": "tidak ada lagi penghapusan yang menunggu: {subject}",
        "tampered_over": "yang disimpan server ({subject}) kembali seperti seharusnya",
        "tampered": (
            "Yang disimpan server ({subject}) telah diubah tanpa melaluinya."
            " Harus diperiksa: nvr audit verify, nvr check"
        ),
        "test": "Ini uji coba: pesan peringatan tiba di sini",
        "fleet": "semua kamera",
        "since": "Sejak: {time}",
        "until": "Selesai: {time}, setelah {length}",
        "parted_at": "Per: {time}, setelah {length}",
        "ended": "Alasan: {causes}",
        "was_about": "Yang dimaksud:",
        "one_camera": "{count} kamera",
        "many_cameras": "{count} kamera",
        "footage": "Terakhir terekam: {time}",
        "flaps": "Terulang dalam satu jam setelah selesai: {count} kali.",
        "causes": "Penyebab: {causes}",
        "cameras": "Kamera:",
        "more": "dan {count} lagi",
        "still": "Masih tidak terekam; mulai sekarang masing-masing menjadi peringatan tersendiri:",
        "down_since": "sejak {time}",
        "back": "terekam kembali {time}",
        "left": "tidak wajib direkam sejak {time}",
        "late": "Pesan ini terlambat {length}: sebelumnya tidak dapat terkirim.",
        "dropped": (
            "{count} pesan sebelumnya tidak dapat terkirim dan dibuang. Halaman peringatan menampilkan semuanya."
        ),
        "id": "Peringatan {id}",
    },
)
