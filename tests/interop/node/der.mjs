// A PKCS#10 request for a P-256 key, in DER written by hand: Node signs, but has no writer for requests.
import { sign } from "node:crypto";

const SEQUENCE = 0x30, SET = 0x31, INTEGER = 0x02, OID = 0x06, UTF8 = 0x0c, BITS = 0x03, ATTRIBUTES = 0xa0;
const COMMON_NAME = Buffer.from("550403", "hex");
const ECDSA_SHA256 = Buffer.from("2a8648ce3d040302", "hex");

function tlv(tag, ...parts) {
  const body = Buffer.concat(parts);
  const length = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

function pem(label, der) {
  const lines = der.toString("base64").match(/.{1,64}/g).join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

/** The request as PEM; `pair` is a key pair of node:crypto. The server takes nothing but the key from it. */
export function request(pair, name) {
  const subject = tlv(SEQUENCE, tlv(SET, tlv(SEQUENCE, tlv(OID, COMMON_NAME), tlv(UTF8, Buffer.from(name)))));
  const key = pair.publicKey.export({ type: "spki", format: "der" });
  const info = tlv(SEQUENCE, tlv(INTEGER, Buffer.from([0])), subject, key, tlv(ATTRIBUTES));
  const signature = sign("sha256", info, pair.privateKey);
  const algorithm = tlv(SEQUENCE, tlv(OID, ECDSA_SHA256));
  return pem("CERTIFICATE REQUEST", tlv(SEQUENCE, info, algorithm, tlv(BITS, Buffer.from([0]), signature)));
}
