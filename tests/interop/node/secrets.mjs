// Section 2: key pairs, JWS, JWE; section 7: blobs; section 9: chain hashes and their signature.
import { createDecipheriv, createHash, createPublicKey, generateKeyPairSync, randomUUID, sign, verify } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { CompactEncrypt, CompactSign, calculateJwkThumbprint, compactDecrypt, compactVerify, decodeProtectedHeader, importJWK } from "jose";

const UNPACKED_MAX = 8 * 1024 * 1024, BLOB_UNPACKED_MAX = 32 * 1024 * 1024;

export class Untrusted extends Error {}
export class UnknownKey extends Untrusted {}

export const sha256 = (bytes) => createHash("sha256").update(bytes).digest();
export const b64u = (bytes) => Buffer.from(bytes).toString("base64url");
export const newPair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

/** A public key as the protocol writes it. */
export async function publicJwk(key, use) {
  const { kty, crv, x, y } = key.export({ format: "jwk" });
  return { kty, crv, x, y, use, kid: await calculateJwkThumbprint({ kty, crv, x, y }) };
}

/** Kid to key of those of a key set that have this use, in its order; each kid is computed here. */
export async function keysOf(jwks, use) {
  const found = new Map();
  for (const { kty, crv, x, y, use: its } of jwks.keys) {
    if (its === use) found.set(await calculateJwkThumbprint({ kty, crv, x, y }), await importJWK({ kty, crv, x, y }, "ES256"));
  }
  return found;
}

/** A compact JWS of the claims. */
export async function signed(pair, typ, claims) {
  const { kid } = await publicJwk(pair.publicKey);
  const body = new TextEncoder().encode(JSON.stringify(claims));
  return new CompactSign(body).setProtectedHeader({ alg: "ES256", typ, kid }).sign(pair.privateKey);
}

/** Claims of a JWS by the server for this device. Throws UnknownKey or Untrusted. */
export async function verified(token, typ, trusted, sub) {
  let claims;
  try {
    const header = decodeProtectedHeader(token);
    if (header.alg !== "ES256" || header.typ !== typ || "crit" in header) throw new Untrusted("header");
    const key = trusted.get(header.kid);
    if (!key) throw new UnknownKey(header.kid);
    claims = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode((await compactVerify(token, key)).payload));
  } catch (error) {
    throw error instanceof Untrusted ? error : new Untrusted(error.code ?? error.message);
  }
  if (claims.sub !== sub) throw new Untrusted("sub");
  if (!Number.isInteger(claims.iat) || ("exp" in claims && !Number.isInteger(claims.exp))) throw new Untrusted("iat");
  return claims;
}

/** JWE of `text` (gzip, then ECDH-ES and A256GCM) to the holder of a public key. */
export async function sealed(kid, key, text) {
  const header = { alg: "ECDH-ES", enc: "A256GCM", kid };
  return new CompactEncrypt(gzipSync(Buffer.from(text))).setProtectedHeader(header).encrypt(key);
}

/** What is inside a JWE to the holder of this private key. */
export async function opened(token, privateKey) {
  const { plaintext, protectedHeader } = await compactDecrypt(token, privateKey);
  if (protectedHeader.alg !== "ECDH-ES" || protectedHeader.enc !== "A256GCM" || "zip" in protectedHeader) throw new Untrusted("header");
  return gunzipSync(plaintext, { maxOutputLength: UNPACKED_MAX });
}

/** The JSON document inside a blob. */
export function blobDocument(blob, key) {
  const decipher = createDecipheriv("aes-256-gcm", Buffer.from(key, "base64url"), Buffer.alloc(12));
  decipher.setAuthTag(blob.subarray(blob.length - 16));
  const packed = Buffer.concat([decipher.update(blob.subarray(0, -16)), decipher.final()]);
  return JSON.parse(gunzipSync(packed, { maxOutputLength: BLOB_UNPACKED_MAX }).toString("utf8"));
}

export const origin = (deviceId) => sha256(Buffer.from(deviceId, "utf8"));
export const leaf = (text) => sha256(Buffer.from(text, "utf8"));
export const link = (previous, itsLeaf) => sha256(Buffer.concat([previous, itsLeaf]));

/** The bytes that a batch's `sig` covers. */
export function chainInput(deviceId, head) {
  const zero = Buffer.alloc(1);
  return Buffer.concat([Buffer.from("shouji-records-v1"), zero, Buffer.from(deviceId), zero, head]);
}

/** `sig` of a batch: R || S. */
export function chainSignature(privateKey, deviceId, head) {
  return b64u(sign("sha256", chainInput(deviceId, head), { key: privateKey, dsaEncoding: "ieee-p1363" }));
}

export function chainSignatureHolds(jwk, deviceId, head, sig) {
  const key = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" };
  return verify("sha256", chainInput(deviceId, head), key, Buffer.from(sig, "base64url"));
}

export const uuid = () => randomUUID();
