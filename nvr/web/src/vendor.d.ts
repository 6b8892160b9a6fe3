// hls.js ships types for its full build only; the light build has the same interface.
declare module 'hls.js/light' {
  import Hls from 'hls.js';
  export * from 'hls.js';
  export default Hls;
}

// node-forge in parts, as far as the verifier uses them; its types are a package of their own, for the whole of it.
declare module 'node-forge/lib/forge.js' {
  interface BigInteger {
    compareTo(other: BigInteger): number;
  }
  interface Scheme {
    readonly scheme: unique symbol;
  }
  interface Digest {
    readonly digest: unique symbol;
  }
  interface Mask {
    readonly mask: unique symbol;
  }
  const forge: {
    jsbn: { BigInteger: new (digits: string, base: number) => BigInteger };
    pki: {
      rsa: {
        setPublicKey(
          modulus: BigInteger,
          exponent: BigInteger,
        ): { verify(digest: string, signature: string, scheme: Scheme): boolean };
      };
    };
    md: { sha256: { create(): Digest } };
    mgf: { mgf1: { create(md: Digest): Mask } };
    pss: { create(options: { md: Digest; mgf: Mask; saltLength: number }): Scheme };
  };
  export default forge;
}
declare module 'node-forge/lib/mgf1.js';
declare module 'node-forge/lib/pss.js';
declare module 'node-forge/lib/rsa.js';
declare module 'node-forge/lib/sha256.js';
