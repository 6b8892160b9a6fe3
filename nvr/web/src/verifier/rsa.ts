// RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 20 bytes, over a digest: what is signed has gigabytes, which
// are hashed as they are read. WebCrypto only verifies a message that it hashes itself, whole, in memory, and is
// missing on plain http; so one library does it everywhere, and a verdict never depends on the address that the page
// was loaded from.

import forge from 'node-forge/lib/forge.js';
import 'node-forge/lib/mgf1.js';
import 'node-forge/lib/pss.js';
import 'node-forge/lib/rsa.js';
import 'node-forge/lib/sha256.js';
import { hex, latin } from './bytes';
import type { CheckedCertificate } from './certificate';

const SALT_BYTES = 20;

/** Whether this key made this signature of this SHA-256 digest. */
export function verifies(certificate: CheckedCertificate, digest: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== certificate.modulus.length) return false;
  const { BigInteger } = forge.jsbn;
  const modulus = new BigInteger(hex(certificate.modulus), 16);
  // Not below the modulus: another number for the same signature.
  if (new BigInteger(hex(signature), 16).compareTo(modulus) >= 0) return false;
  const key = forge.pki.rsa.setPublicKey(modulus, new BigInteger(hex(certificate.exponent), 16));
  const mgf = forge.mgf.mgf1.create(forge.md.sha256.create());
  const scheme = forge.pss.create({ md: forge.md.sha256.create(), mgf, saltLength: SALT_BYTES });
  try {
    return key.verify(latin(digest), latin(signature), scheme);
  } catch {
    return false; // the library throws where a padding is none
  }
}
