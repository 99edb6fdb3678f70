// Section 9: the chain of records and its receipts; section 10: events.
import { randomBytes } from "node:crypto";
import { b64u, chainSignature, leaf, link, origin, uuid, verified } from "./secrets.mjs";

const RESEND_MS = 60_000, REFUSED_MS = 3_600_000, QUIET_MS = 2_000, BATCH_RECORDS = 100;

const clean = (text) => [...text].map((char) => (char === "\0" || /^[\ud800-\udfff]$/.test(char) ? "\ufffd" : char)).join("");

export class Records {
  #texts = [];
  #h;
  #iat = 0;
  #timer = null;
  #refusedUntil = 0;
  #drained = [];
  receipt = null;
  through = 0;

  constructor(phone) {
    this.phone = phone;
    this.#h = [origin(phone.identity.id)];
  }

  get next() {
    return this.#texts.length + 1;
  }

  get unsent() {
    return this.#texts.length - this.through;
  }

  add(members) {
    if (!this.phone.collecting) return 0;
    const record = {
      seq: this.next, salt: b64u(randomBytes(16)), id: null, at: this.phone.clock.now(), source: "live", channel: "sms", kind: "text",
      direction: "out", conversation: "c-1", group: false, account: null, sender: null, peer: { address: null, name: "" }, refers: null,
      text: "", outcome: null, duration_s: 0, recorded: null, amount_fen: null, ticket: null, media: null, case: null, hits: [], blocked: false,
      ...members,
    };
    record.text = clean(record.text);
    const text = JSON.stringify(record);
    this.#texts.push(text);
    this.#h.push(link(this.#h.at(-1), leaf(text)));
    return record.seq;
  }

  /** The batch after the watermark as a JWE, or null when there is none. */
  async batch() {
    const first = this.through + 1;
    const records = this.#texts.slice(first - 1, first - 1 + BATCH_RECORDS);
    if (!records.length) return null;
    const head = this.#h[first - 1 + records.length];
    const sig = chainSignature(this.phone.identity.signing.privateKey, this.phone.identity.id, head);
    return this.phone.seal(JSON.stringify({ first, prev: this.#h[first - 1].toString("hex"), records, head: head.toString("hex"), sig }));
  }

  async send() {
    clearTimeout(this.#timer);
    if (Date.now() < this.#refusedUntil || !this.phone.link.up) return;
    const batch = await this.batch();
    if (!batch) return;
    this.#timer = setTimeout(() => this.send(), RESEND_MS);
    await this.phone.link.publish("records", batch);
  }

  /** Take a verified receipt; false where it does not hold. */
  take(claims, token) {
    if (claims.iat < this.#iat) return true;
    const own = this.#h[claims.through];
    if (!own || own.toString("hex") !== claims.head) return false;
    const moved = claims.through - this.through;
    [this.#iat, this.through] = [claims.iat, claims.through];
    if (!this.receipt || claims.through >= this.receipt.through) this.receipt = { through: claims.through, token };
    clearTimeout(this.#timer);
    if (claims.refused) this.#refusedUntil = Date.now() + REFUSED_MS;
    else if (this.unsent && (moved !== 0 || claims.connection)) this.send();
    else if (this.unsent) this.#timer = setTimeout(() => this.send(), QUIET_MS);
    if (!this.unsent) this.#drained.splice(0).forEach((done) => done());
    return true;
  }

  get draining() {
    return this.#drained.length > 0;
  }

  /** Send the queue and wait, at most so many seconds; gives how many records are left. */
  async drain(seconds) {
    if (this.phone.link.closed) await this.deliver();
    else if (this.unsent) {
      await new Promise((resolve) => {
        this.#drained.push(resolve);
        setTimeout(resolve, seconds * 1000).unref();
        this.send();
      });
    }
    return this.unsent;
  }

  /** Send the queue over HTTP, batch by batch, as long as receipts move it. */
  async deliver() {
    const { requests, identity } = this.phone;
    let batch;
    while ((batch = await this.batch())) {
      const token = (await requests.postJose("device/records", batch)).toString("ascii");
      const before = this.through;
      this.take(await verified(token, "shouji-archived+jws", identity.trusted, identity.id), token);
      if (this.through <= before) break;
    }
  }

  erase() {
    this.through = this.#texts.length;
    clearTimeout(this.#timer);
  }

  /** An event: its record first, then its fast copy. */
  async event(members) {
    const event = {
      id: uuid(), at: this.phone.clock.now(), severity: "warning", rule: null, peer: null, excerpt: null, blocked: false, detail: {}, ...members,
    };
    const record = { id: event.id, at: event.at, channel: "device", kind: "event", conversation: "device", text: JSON.stringify(event), blocked: event.blocked };
    if (!this.add(record)) return;
    await this.phone.link.publish("event", await this.phone.seal(await this.phone.sign("event", event)));
    await this.send();
  }
}
