// Passkeys of this browser and its devices: what the server asks for is handed on, and the answer back, as JSON.

import * as api from '../../shared/api/client';

/** Whether this page may use them: over HTTPS (or on this machine), by a name. */
export function hasPasskeys(): boolean {
  return window.isSecureContext && 'PublicKeyCredential' in window && !/^(\d+\.){3}\d+$|^\[/.test(location.hostname);
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(plain, (char) => char.charCodeAt(0));
};

const text = (data: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(data)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');

interface Named {
  id: string;
  type: 'public-key';
}

const known = (ids: Named[] = []) => ids.map(({ id, type }) => ({ id: bytes(id), type }));

/** The browser said no, or its user did, or nobody answered in time. */
export class PasskeyRefused extends Error {}

async function asked(work: Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const found = await work;
    if (found !== null) return found as PublicKeyCredential;
  } catch {
    // told below
  }
  throw new PasskeyRefused();
}

async function made(options: string): Promise<string> {
  const json = JSON.parse(options) as {
    challenge: string;
    rp: PublicKeyCredentialRpEntity;
    user: { id: string; name: string; displayName: string };
    pubKeyCredParams: PublicKeyCredentialParameters[];
    excludeCredentials?: Named[];
    authenticatorSelection: AuthenticatorSelectionCriteria;
  };
  const credential = await asked(
    navigator.credentials.create({
      publicKey: {
        ...json,
        challenge: bytes(json.challenge),
        user: { ...json.user, id: bytes(json.user.id) },
        excludeCredentials: known(json.excludeCredentials),
      },
    }),
  );
  const answer = credential.response as AuthenticatorAttestationResponse;
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    clientExtensionResults: {},
    response: { clientDataJSON: text(answer.clientDataJSON), attestationObject: text(answer.attestationObject) },
  });
}

async function signed(options: string): Promise<string> {
  const json = JSON.parse(options) as {
    challenge: string;
    rpId: string;
    allowCredentials?: Named[];
    userVerification: UserVerificationRequirement;
  };
  const credential = await asked(
    navigator.credentials.get({
      publicKey: { ...json, challenge: bytes(json.challenge), allowCredentials: known(json.allowCredentials) },
    }),
  );
  const answer = credential.response as AuthenticatorAssertionResponse;
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    clientExtensionResults: {},
    response: {
      clientDataJSON: text(answer.clientDataJSON),
      authenticatorData: text(answer.authenticatorData),
      signature: text(answer.signature),
    },
  });
}

export async function makePasskey(name: string): Promise<string[]> {
  const { options } = await api.passkeyOptions();
  return (await api.keepPasskey(name, await made(options))).recovery_codes;
}

export async function proveByPasskey(): Promise<void> {
  const { options } = await api.passkeyProofOptions();
  await api.sendPasskeyProof(await signed(options));
}

export async function loginByPasskey(): Promise<void> {
  const { options } = await api.passkeyLoginOptions();
  await api.sendPasskeyLogin(await signed(options));
}
