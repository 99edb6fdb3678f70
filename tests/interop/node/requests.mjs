// Section 3: enrollment, and requests that carry a device JWT.
import { X509Certificate, createHash } from "node:crypto";
import { request as csr } from "./der.mjs";
import { Untrusted, keysOf, newPair, publicJwk, signed, uuid, verified } from "./secrets.mjs";

export class Refused extends Error {
  constructor(status, problem) {
    super(`${status} ${problem.code}`);
    Object.assign(this, { status, code: problem.code, problem });
  }
}

async function send(url, options) {
  const answer = await fetch(url, options);
  const body = Buffer.from(await answer.arrayBuffer());
  if (answer.ok) return body;
  let problem = {};
  try {
    problem = JSON.parse(body.toString("utf8"));
  } catch { /* no problem document */ }
  throw new Refused(answer.status, { ...problem, date: answer.headers.get("date") });
}

const postJson = (body) => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** Enroll with what the QR code holds. Gives the identity, or throws Refused or Untrusted. */
export async function enroll(qr, device, readNotice) {
  const signing = newPair(), opening = newPair();
  const body = {
    token: qr.code, csr: csr(signing, "interop-phone"), encryption_key: await publicJwk(opening.publicKey, "enc"), device,
    employee_no: null, notice: null,
  };
  let answer;
  try {
    answer = await send(`${qr.server}/api/v1/enroll`, postJson(body));
  } catch (error) {
    if (error.status !== 428) throw error;
    readNotice(error.problem);
    body.notice = { version: error.problem.version, accepted_at: new Date().toISOString() };
    answer = await send(`${qr.server}/api/v1/enroll`, postJson(body));
  }
  const told = JSON.parse(answer.toString("utf8"));
  const identity = { id: told.device_id, api: told.api, broker: told.broker, signing, opening, notice: body.notice?.version ?? null, pin: qr.ca_sha256 };
  takeCertificate(identity, told);
  identity.trusted = await keysOf(told.jwks, "sig");
  identity.sealing = await keysOf(told.jwks, "enc");
  if (qr.key_sha256) {
    const pinned = identity.trusted.get(qr.key_sha256);
    if (!pinned) throw new Untrusted("key_pin");
    identity.trusted = new Map([[qr.key_sha256, pinned]]);
    identity.sealing = new Map();
  }
  return identity;
}

/** Check a certificate and its CA, from an enrollment or a renewal, and keep both. Throws Untrusted. */
export function takeCertificate(identity, told) {
  const known = told.ca.map((pem) => new X509Certificate(pem));
  const pin = (ca) => createHash("sha256").update(ca.raw).digest("hex");
  const roots = identity.pin ? known.filter((ca) => pin(ca) === identity.pin) : known;
  if (!roots.length) throw new Untrusted("ca_pin");
  const kept = known.filter((ca) => roots.includes(ca) || roots.some((root) => ca.verify(root.publicKey)));
  const own = new X509Certificate(told.certificate);
  const spki = (key) => key.export({ type: "spki", format: "der" });
  if (!spki(own.publicKey).equals(spki(identity.signing.publicKey))) throw new Untrusted("certificate_key");
  if (own.subject !== `CN=${identity.id}`) throw new Untrusted("certificate_subject");
  if (!kept.some((ca) => own.verify(ca.publicKey))) throw new Untrusted("certificate_issuer");
  identity.ca = kept.map((ca) => ca.toString());
  identity.certificate = told.certificate;
  identity.expires = told.certificate_expires_at;
}

/** Requests of an enrolled device. */
export class Requests {
  constructor(identity, clock) {
    Object.assign(this, { identity, clock });
  }

  async token(at = this.clock.seconds()) {
    const iat = Math.floor(at);
    const { id, signing } = this.identity;
    return signed(signing, "shouji-device+jwt", { iss: id, sub: id, aud: "shouji-device", iat, exp: iat + 120, jti: uuid() });
  }

  async ask(method, path, { body, type, token } = {}) {
    const attempt = async (bearer) => send(`${this.identity.api}/${path}`, {
      method, body, headers: { Authorization: `Bearer ${bearer}`, ...(type ? { "Content-Type": type } : {}) },
    });
    try {
      return await attempt(token ?? await this.token());
    } catch (error) {
      if (error.code !== "clock") throw error;
      return attempt(await this.token(Date.parse(error.problem.date) / 1000));
    }
  }

  async renew() {
    const body = JSON.stringify({ csr: csr(this.identity.signing, "renewal") });
    const told = await this.ask("POST", "device/certificate", { body, type: "application/json" });
    takeCertificate(this.identity, JSON.parse(told.toString("utf8")));
  }

  async fetchKeys() {
    const kids = [...this.identity.trusted.keys()].slice(0, 20).map((kid) => `kid=${encodeURIComponent(kid)}`).join("&");
    const token = (await this.ask("GET", `device/jwks?${kids}`)).toString("ascii");
    const claims = await verified(token, "shouji-jwks+jws", this.identity.trusted, this.identity.id);
    this.clock.learn(claims.iat);
    [this.identity.trusted, this.identity.sealing] = [await keysOf(claims, "sig"), await keysOf(claims, "enc")];
  }

  async status() {
    const token = (await this.ask("GET", "device/status")).toString("ascii");
    const claims = await verified(token, "shouji-status+jws", this.identity.trusted, this.identity.id);
    if (claims.iat + 300 < this.clock.highest) throw new Untrusted("old");
    this.clock.learn(claims.iat);
    return claims;
  }

  async accept() {
    const notice = JSON.parse((await send(`${this.identity.api}/notice`)).toString("utf8"));
    const body = JSON.stringify({ version: notice.version, accepted_at: new Date().toISOString() });
    await this.ask("POST", "device/notice", { body, type: "application/json" });
    return notice;
  }

  blob(digest) {
    return this.ask("GET", `device/blobs/${digest}`);
  }

  postJose(path, token) {
    return this.ask("POST", path, { body: token, type: "application/jose" });
  }
}
