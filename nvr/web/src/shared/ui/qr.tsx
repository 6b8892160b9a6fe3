// A text as a QR code, drawn here: for a phone that is to have it without typing.

import { correction, generate } from 'lean-qr';
import { toSvgPath } from 'lean-qr/extras/svg';

// ISO/IEC 18004, 6.3.8: so many light modules around it.
const QUIET = 4;

/** `label`: what it is, for who does not see it. */
export function QrCode({ text, label, testid }: { text: string; label: string; testid: string }) {
  const code = generate(text, { minCorrectionLevel: correction.L });
  const size = code.size + 2 * QUIET;
  return (
    <svg
      class="qr"
      role="img"
      aria-label={label}
      data-testid={testid}
      viewBox={`${-QUIET} ${-QUIET} ${size} ${size}`}
      shape-rendering="crispEdges"
    >
      <rect x={-QUIET} y={-QUIET} width={size} height={size} fill="#fff" />
      <path d={toSvgPath(code)} fill="#000" />
    </svg>
  );
}
