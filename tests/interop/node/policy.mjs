// Section 7: the desired state, its blobs, and the report.
import { blobDocument, sha256 } from "./secrets.mjs";

const BLOB_MQTT_MAX = 200_000, BLOB_WAIT_MS = 10_000, RETRY_MS = 15_000;

class Rejected extends Error {}

export class Policy {
  highest = 0;
  inForce = null;
  reported = null;
  fetched = [];
  #highestDigest = null;
  #noticeIat = 0;
  #busy = false;
  #next = null;
  #held = new Map();
  #waiting = new Map();

  constructor(phone) {
    this.phone = phone;
  }

  async take(claims) {
    const { generation, bundle: { digest }, notice, iat } = claims;
    if (iat >= this.#noticeIat) [this.#noticeIat] = [iat, this.phone.wantNotice(notice)];
    if (generation < this.highest) return;
    if (generation === this.highest && this.#highestDigest !== digest) return this.#report(claims, "rejected", "equal_generation");
    [this.highest, this.#highestDigest] = [generation, digest];
    this.#next = claims;
    if (this.#busy) return;
    this.#busy = true;
    while (this.#next) {
      const current = this.#next;
      this.#next = null;
      await this.#apply(current);
    }
    this.#busy = false;
  }

  async #apply(claims) {
    const { generation, bundle } = claims;
    if (this.inForce?.generation === generation && this.inForce.digest === bundle.digest) return this.#report(claims, "applied", null, this.inForce.rules);
    try {
      const document = this.#open(await this.#blob(bundle), bundle.key);
      if (document.schema !== 1) throw new Rejected("blob_form");
      const named = {};
      for (const ref of document.blobs) named[`${ref.kind}/${ref.name}`] = this.#open(await this.#blob(ref), ref.key);
      if (this.#next) return;
      const able = this.phone.capabilities;
      const rules = Object.fromEntries(Object.keys(document.rules).map((family) => [family, able.includes(family) ? "enforced" : "unsupported"]));
      this.inForce = { generation, digest: bundle.digest, rules, document, named };
      await this.#report(claims, "applied", null, rules);
      this.phone.applied(this.inForce, this.fetched.splice(0));
    } catch (error) {
      if (error instanceof Rejected) return this.#report(claims, "rejected", error.message);
      await this.#report(claims, "failed", error.code ?? error.message);
      setTimeout(() => this.take(claims), RETRY_MS);
    }
  }

  #open(blob, key) {
    try {
      return blobDocument(blob, key);
    } catch {
      throw new Rejected("blob_key");
    }
  }

  async #blob(ref) {
    const held = this.#held.get(ref.digest);
    if (held) return held;
    const fits = (bytes) => bytes.length === ref.size && sha256(bytes).toString("hex") === ref.digest;
    let way = "mqtt", blob = ref.size > BLOB_MQTT_MAX ? null : await this.#fromTopic(ref.digest);
    if (!blob || !fits(blob)) [way, blob] = ["http", await this.phone.requests.blob(ref.digest)];
    if (!fits(blob)) throw new Error("blob_digest");
    this.fetched.push({ kind: ref.kind ?? "bundle", by: way });
    this.#held.set(ref.digest, blob);
    return blob;
  }

  async #fromTopic(digest) {
    const topic = `shouji/v1/blobs/${digest}`;
    const arrived = new Promise((resolve) => {
      this.#waiting.set(topic, resolve);
      setTimeout(resolve, BLOB_WAIT_MS, null).unref();
    });
    this.phone.link.subscribe(topic);
    const blob = await arrived;
    this.#waiting.delete(topic);
    this.phone.link.unsubscribe(topic);
    return blob;
  }

  arrived(topic, payload) {
    this.#waiting.get(topic)?.(payload);
  }

  async #report({ generation, bundle }, outcome, detail, rules = {}) {
    this.reported = { generation, bundle: bundle.digest, outcome, detail, at: this.phone.clock.now(), rules };
    await this.phone.say("reported", this.reported);
  }

  erase() {
    this.inForce = null;
    this.#held.clear();
  }
}
