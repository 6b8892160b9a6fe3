// Bahasa Indonesia, in the register of a city office.

import type { Words } from './en';

const id: Words = {
  languageName: 'Bahasa Indonesia',
  appTagline: 'Server perekam',
  skipToContent: 'Langsung ke isi halaman',
  loading: 'Memuat …',
  retry: 'Coba lagi',
  cancel: 'Batal',
  close: 'Tutup',
  save: 'Simpan',
  remove: 'Hapus',
  edit: 'Ubah',
  none: 'tidak ada',
  language: 'Bahasa',
  offline: 'Server tidak menjawab. Halaman ini akan mencoba lagi secara otomatis.',
  requestFailed: (status) => `Server menjawab dengan galat ${status}.`,
  rateLimited: 'Terlalu banyak percobaan. Mohon tunggu sebentar.',

  nav: {
    main: 'Menu utama', cameras: 'Kamera', gaps: 'Laporan kekosongan', adminCameras: 'Kelola kamera', users: 'Pengguna', tokens: 'Token API',
    account: 'Akun saya', logout: 'Keluar', login: 'Masuk', loggedInAs: (user) => `Masuk sebagai ${user}`,
  },

  login: {
    title: 'Masuk', user: 'Nama pengguna', password: 'Kata sandi', submit: 'Masuk',
    expired: 'Sesi Anda telah berakhir. Silakan masuk kembali.',
    missing: 'Mohon isi nama pengguna dan kata sandi.',
  },

  cameras: {
    title: 'Kamera', search: 'Cari', searchHint: 'Nama, id, atau label', state: 'Status', all: 'Semua',
    onlyRecording: 'Merekam', onlyNot: 'Tidak merekam',
    counts: (recording, not) => `${recording} merekam, ${not} tidak merekam`,
    shown: (shown, all) => `${shown} dari ${all} kamera`,
    empty: 'Belum ada kamera.', emptyAdmin: 'Tambahkan kamera pertama', noMatch: 'Tidak ada kamera yang cocok.',
    since: (time) => `sejak ${time}`, recordedUntil: (time) => `terekam sampai ${time}`,
    neverRecorded: 'belum ada rekaman', noPicture: 'Tidak ada gambar', asOf: (time) => `Per ${time}`,
    snapshotOf: (name) => `Gambar terakhir ${name}`, noCause: 'Menghubungkan',
  },

  camera: {
    back: 'Semua kamera', notFound: 'Tidak ada kamera dengan id ini.',
    live: 'Langsung', goLive: 'Tonton langsung', recording: 'Rekaman', play: 'Putar', pause: 'Jeda',
    back10: 'Mundur 10 detik', forward10: 'Maju 10 detik', frameBack: 'Bingkai sebelumnya', frameForward: 'Bingkai berikutnya',
    speed: 'Kecepatan', mute: 'Matikan suara', unmute: 'Nyalakan suara', fullscreen: 'Layar penuh', snapshot: 'Simpan gambar',
    latency: (seconds) => `tertunda ${seconds}`, connecting: 'Menghubungkan …', loadingFootage: 'Memuat rekaman …',
    noLive: 'Tidak ada siaran langsung', liveReturns: 'Siaran langsung akan kembali secara otomatis begitu kamera aktif lagi.',
    since: (time) => `sejak ${time}`,
    noFootage: 'Tidak ada rekaman', nextFootage: 'Ke rekaman berikutnya', lastFootage: 'Ke rekaman sebelumnya',
    noLater: 'Tidak ada rekaman sesudah ini.', noEarlier: 'Tidak ada rekaman sebelum ini.',
    nothingYet: 'Kamera ini belum pernah terekam.',
    skipped: (length, cause) => `${length} tanpa rekaman dilewati: ${cause}`,
    reachedEnd: 'Anda sudah sampai di rekaman terbaru.', notYet: 'Waktu ini belum tiba atau belum tersimpan di disk.',
    failed: 'Rekaman tidak dapat diputar.', liveFailed: 'Siaran langsung tidak dapat diputar. Halaman ini akan mencoba lagi secara otomatis.',
    codec: (name) => `Peramban ini tidak dapat menampilkan gambar ${name}.`,
    codecHelp: 'Peramban lain mungkin dapat (Safari, atau Chrome atau Edge dengan dekode perangkat keras).',
    codecClip: 'Atau simpan klip lalu buka dengan pemutar video seperti VLC.', saveClipInstead: 'Simpan klip dari waktu ini',
    noMse: 'Peramban ini tidak dapat memutar video rekaman.',
    clickToPlay: 'Klik untuk memutar', player: 'Pemutar video',
    shortcuts: 'Papan ketik', shortcutRows: [
      ['Spasi, K', 'putar atau jeda'], ['← →', 'mundur atau maju 10 detik'], ['J, L', 'mundur atau maju 10 detik'], [', .', 'bingkai sebelumnya atau berikutnya'],
      ['< >', 'lebih lambat atau lebih cepat'], ['+ −', 'perbesar atau perkecil garis waktu'], ['[ ]', 'awal atau akhir klip di sini'],
    ],
    facts: 'Gambar', firstFootage: 'Rekaman pertama', lastFootageAt: 'Rekaman terakhir', frames: (n) => `${n} bingkai/dtk`,
  },

  timeline: {
    label: (day) => `Garis waktu ${day}`, previousDay: 'Hari sebelumnya', nextDay: 'Hari berikutnya', today: 'Hari ini', day: 'Tanggal',
    zoom: 'Perbesaran', zoomIn: 'Perbesar', zoomOut: 'Perkecil', panLeft: 'Lebih awal', panRight: 'Lebih akhir',
    levels: { day: 'Sehari', h6: '6 jam', h1: '1 jam', m10: '10 mnt' },
    footage: 'Rekaman', unknown: 'Belum diketahui', covered: (percent) => `${percent} terekam`,
    coveredDetail: (recorded, missing) => `${recorded} terekam, ${missing} kosong`,
    noCoverage: 'Belum ada keterangan untuk hari ini.', coverageFailed: 'Garis waktu tidak dapat dimuat.',
  },

  gapList: {
    title: 'Kekosongan pada hari itu', none: 'Tidak ada kekosongan: setiap detik hari itu terekam.', noneYet: 'Belum ada kekosongan hari ini.',
    start: 'Mulai', end: 'Selesai', duration: 'Lama', cause: 'Penyebab', class: 'Jenis', detail: 'Keterangan', camera: 'Kamera',
    open: (start, asOf) => `sejak ${start} (per ${asOf})`, stillOpen: (asOf) => `masih berlangsung (per ${asOf})`,
    show: (start) => `Tunjukkan kekosongan pukul ${start} di garis waktu`,
    more: (n) => `Tampilkan ${n} lagi`,
  },

  clip: {
    title: 'Simpan klip', from: 'Dari', to: 'Sampai', zone: (name) => `Waktu dalam ${name}`,
    fromHere: 'Mulai di sini', toHere: 'Akhiri di sini', length: 'Lama', footage: 'Isi rekaman',
    footageOf: (footage, percent) => `${footage} (${percent})`,
    download: 'Unduh', checking: 'Memeriksa …', started: (size) => `Pengunduhan dimulai (${size}).`,
    startedUnsized: 'Pengunduhan dimulai.', invalid: 'Waktu akhir harus sesudah waktu awal.', empty: 'Tidak ada rekaman dalam rentang ini.',
    handleStart: 'Awal klip', handleEnd: 'Akhir klip', parts: 'Klip dalam rentang ini', part: (n) => `Klip ${n}`,
    gapsLeftOut: 'Kekosongan tidak disertakan dalam klip: rekaman berlanjut tanpa jeda.', clear: 'Hapus rentang', choose: 'Pilih rentang',
    hint: 'Pilih rentang dengan pegangan pada garis waktu atau ketik waktunya.',
  },

  report: {
    title: 'Laporan kekosongan', from: 'Dari', to: 'Sampai', cameras: 'Kamera', camerasHint: 'Id, dipisahkan koma; kosong berarti semua',
    group: 'Label', groupHint: 'Contoh: district=Tembalang', cause: 'Penyebab', anyCause: 'Semua penyebab',
    fold: 'Abaikan kekosongan di bawah', foldHint: 'detik', run: 'Tampilkan laporan', csv: 'Unduh sebagai CSV',
    totals: 'Jumlah', gaps: 'Kekosongan', total: 'Lama seluruhnya', longest: 'Terlama', byCause: 'Menurut penyebab', share: 'Bagian',
    none: 'Tidak ada kekosongan dalam rentang ini.', asOf: (time) => `Per ${time}`,
    folded: (length) => `Kekosongan di bawah ${length} tidak ditampilkan.`,
    last24: '24 jam terakhir', today: 'Hari ini', last7: '7 hari terakhir', cameraCount: 'Kamera dengan kekosongan',
    shownOf: (shown, all) => `${shown} dari ${all} kekosongan ditampilkan; berkas CSV memuat semuanya.`,
  },

  admin: {
    camerasTitle: 'Kelola kamera', addCamera: 'Tambah kamera', editCamera: (name) => `Ubah ${name}`, id: 'Id',
    idHint: 'Huruf kecil, angka, dan tanda hubung; tidak dapat diubah kemudian', idInvalid: 'Gunakan huruf kecil, angka, dan tanda hubung; awali dengan huruf atau angka (paling banyak 63).',
    name: 'Nama', url: 'Alamat (RTSP)', urlHint: 'Contoh: rtsp://192.0.2.10:554/stream1', username: 'Pengguna kamera',
    password: 'Kata sandi kamera', passwordKeep: 'Kosong: tetap memakai yang sekarang', audio: 'Rekam suara',
    audioHint: 'Merekam suara di tempat umum mungkin dilarang.', labels: 'Label', labelsHint: 'Satu per baris, nama=nilai', labelInvalid: (line) => `Bukan label: “${line}”. Tulis nama=nilai.`,
    source: 'Asal', fromFile: 'dari config.toml', fromCatalogue: 'ditambahkan di sini', removeCamera: (name) => `Hapus ${name}?`,
    removeCameraText: 'Server berhenti merekam kamera ini.', required: 'Isian ini wajib diisi.',
    saved: 'Tersimpan.', removed: 'Terhapus.', actions: 'Tindakan',

    usersTitle: 'Pengguna', addUser: 'Tambah pengguna', userName: 'Nama pengguna', role: 'Peran', created: 'Dibuat', you: 'Anda',
    userPassword: 'Kata sandi', removeUser: (name) => `Hapus ${name}?`, removeUserText: 'Pengguna ini tidak dapat masuk lagi.',
    changePassword: 'Ganti kata sandi', changePasswordOf: (name) => `Kata sandi baru untuk ${name}`, newPassword: 'Kata sandi baru', newPasswordAgain: 'Ulangi kata sandi baru',
    currentPassword: 'Kata sandi Anda sekarang', passwordsDiffer: 'Kedua kata sandi baru tidak sama.', passwordChanged: 'Kata sandi telah diganti.',

    tokensTitle: 'Token API', tokensText: 'Dengan token, sebuah program dapat memakai API server dengan perannya sendiri.', addToken: 'Buat token', tokenName: 'Kegunaan',
    lastUsed: 'Terakhir dipakai', never: 'belum pernah', revoke: 'Cabut', revokeToken: (name) => `Cabut “${name}”?`,
    revokeTokenText: 'Program yang memakai token ini langsung kehilangan akses.', tokenOnce: 'Salin token sekarang: token hanya ditampilkan sekali.', copy: 'Salin', copied: 'Tersalin', noTokens: 'Belum ada token.',
    create: 'Buat', add: 'Tambah',
  },

  account: { title: 'Akun saya', user: 'Pengguna', role: 'Peran', version: 'Versi server', zone: 'Zona waktu' },

  detailKeys: {
    reason: 'alasan', error: 'galat', message: 'pesan', order: 'surat perintah', letter: 'nomor surat', policy: 'kebijakan', by: 'oleh', user: 'oleh',
    person: 'oleh', attempts: 'percobaan', exit_code: 'kode keluar', signal: 'sinyal', path: 'berkas', step_s: 'selisih (dtk)',
  },

  causes: {
    disabled: 'Dinonaktifkan berdasarkan surat perintah',
    maintenance: 'Pemeliharaan terencana',
    schedule: 'Di luar jadwal perekaman',
    not_configured: 'Belum terdaftar saat itu',
    unreachable: 'Kamera tidak terjangkau',
    unauthorized: 'Kamera menolak kata sandi',
    rejected: 'Kamera menolak sambungan',
    stalled: 'Tersambung, tetapi tidak ada gambar',
    ended: 'Kamera menutup sambungan',
    corrupt: 'Gambar rusak di perjalanan',
    clock_step: 'Jam server disetel ulang',
    overload: 'Server kelebihan beban',
    disk_full: 'Disk penuh',
    disk_error: 'Kesalahan disk',
    recorder_crashed: 'Perekam berhenti mendadak',
    server_down: 'Server tidak berjalan',
    pruned: 'Dihapus menurut kebijakan retensi',
    deleted: 'Dihapus oleh petugas',
    missing: 'Berkas hilang atau berubah',
    unknown: 'Penyebab tidak diketahui',
  },
  classes: {
    administrative: 'Administratif', network: 'Jaringan', camera: 'Kamera', server: 'Server', policy: 'Kebijakan', unknown: 'Tidak diketahui',
  },
  states: { recording: 'Merekam', waiting: 'Tidak merekam', off: 'Nonaktif' },
  roles: { viewer: 'Pemantau', investigator: 'Penyidik', admin: 'Administrator' },
  roleHints: {
    viewer: 'menonton siaran langsung dan rekaman',
    investigator: 'juga menyimpan klip dan membaca laporan kekosongan',
    admin: 'memiliki semua hak',
  },
  errors: {
    bad_credentials: 'Nama pengguna atau kata sandi salah.',
    not_authenticated: 'Anda belum masuk.',
    forbidden: 'Peran Anda tidak mengizinkan tindakan ini.',
    not_found: 'Yang diminta tidak ada di sini.',
    camera_not_found: 'Tidak ada kamera dengan id ini.',
    no_footage: 'Tidak ada rekaman dalam rentang ini.',
    several_inits: 'Format gambar berubah dalam rentang ini, sehingga hasilnya beberapa klip.',
    provisioned: 'Kamera ini berasal dari config.toml dan diubah di sana.',
    camera_exists: 'Kamera dengan id ini sudah ada.',
    user_exists: 'Pengguna dengan nama ini sudah ada.',
    too_many_attempts: 'Terlalu banyak percobaan. Mohon tunggu sebentar.',
  },
};

export default id;
