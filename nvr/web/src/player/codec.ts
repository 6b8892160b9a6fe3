// Can this browser decode what a camera sends? Asked before anything is loaded, so that the answer is words, not a
// black picture.

/** Names as servers write them, to the RFC 6381 string that browsers understand. Any level will do for a yes or no. */
const TYPICAL: Record<string, string> = {
  h264: 'avc1.640028',
  avc: 'avc1.640028',
  avc1: 'avc1.640028',
  h265: 'hvc1.1.6.L120.90',
  hevc: 'hvc1.1.6.L120.90',
  hvc1: 'hvc1.1.6.L120.90',
  hev1: 'hev1.1.6.L120.90',
  av1: 'av01.0.08M.08',
  av01: 'av01.0.08M.08',
  vp9: 'vp09.00.41.08',
  vp09: 'vp09.00.41.08',
};

export function mimeOf(codec: string): string | null {
  const name = codec.trim();
  const known = name.includes('.') ? name : TYPICAL[name.toLowerCase().replace(/[^a-z0-9]/g, '')];
  return known ? `video/mp4; codecs="${known}"` : null;
}

/** "H.265" for people. */
export function codecName(codec: string | null | undefined): string {
  const head = (codec ?? '')
    .toLowerCase()
    .split('.')[0]!
    .replace(/[^a-z0-9]/g, '');
  if (['h264', 'avc', 'avc1', 'avc3'].includes(head)) return 'H.264';
  if (['h265', 'hevc', 'hvc1', 'hev1'].includes(head)) return 'H.265';
  if (['av1', 'av01'].includes(head)) return 'AV1';
  if (['vp9', 'vp09'].includes(head)) return 'VP9';
  if (['mjpeg', 'jpeg'].includes(head)) return 'Motion JPEG';
  return codec ?? '?';
}

/** True when unsure: then the attempt itself decides. */
export function canDecode(codec: string | null | undefined): boolean {
  const mime = codec ? mimeOf(codec) : null;
  if (!mime) return true;
  if (typeof MediaSource !== 'undefined') return MediaSource.isTypeSupported(mime);
  return document.createElement('video').canPlayType(mime) !== '';
}
