import { describe, expect, it } from 'vitest';
import { QrCode } from './qr';

interface Drawn {
  props: { viewBox: string; children: { props: Record<string, string | number> }[] };
}
const drawn = (text: string): Drawn => QrCode({ text, label: 'a key', testid: 'qr' }) as unknown as Drawn;

describe('a QR code', () => {
  it('is drawn with four light modules around it', () => {
    const { viewBox, children } = drawn('otpauth://totp/nvr:sari?secret=ABCDEFGHIJKLMNOP&issuer=nvr').props;
    const [x, y, width, height] = viewBox.split(' ').map(Number) as [number, number, number, number];
    expect([x, y]).toEqual([-4, -4]);
    expect(width).toBe(height);
    const [light, dark] = children;
    expect([light!.props['x'], light!.props['width']]).toEqual([-4, width]);
    const places = [...String(dark!.props['d']).matchAll(/\d+/g)].map((one) => Number(one[0]));
    // The three marks of its corners reach its edges, and nothing reaches beyond.
    expect([Math.min(...places), Math.max(...places)]).toEqual([0, width - 8]);
  });
  it('is another one for another text', () => {
    const path = (text: string) => drawn(text).props.children[1]!.props['d'];
    expect(path('https://a.test/#/link/1')).not.toBe(path('https://a.test/#/link/2'));
  });
});
