// Section 4: one MQTT 5 connection over TLS, with Will, subscription and back-off.
import { connect } from "mqtt";

const PAYLOAD_MAX = 200_000, FIRST_MS = 1_000, LONGEST_MS = 300_000, REFUSALS_BEFORE_STATUS = 3;
const REFUSING = new Set([0x87, 0x8b, 0x98]);

/** Stays connected until `end`; `watcher` has `up()`, `message(topic, payload)`, `down()`, `refused()`. */
export class Link {
  #client = null;
  #wanted = false;
  #attempts = 0;
  #refusals = 0;
  #timer = null;

  constructor(identity, watcher) {
    Object.assign(this, { identity, watcher, connection: null, closed: false });
  }

  topic(way) {
    return `shouji/v1/d/${this.identity.id}/${way}`;
  }

  presence(online) {
    return JSON.stringify({ online, connection: this.connection });
  }

  start() {
    this.#wanted = true;
    this.#open();
  }

  #open() {
    this.connection = this.watcher.newConnection();
    const { broker, ca, certificate, signing, id } = this.identity;
    const client = connect({
      protocol: "mqtts", host: broker.host, port: broker.port, protocolVersion: 5, clientId: id, clean: false, keepalive: 60,
      reconnectPeriod: 0, connectTimeout: 15_000, resubscribe: false, minVersion: "TLSv1.2",
      ca, cert: certificate, key: signing.privateKey.export({ type: "pkcs8", format: "pem" }), rejectUnauthorized: true,
      properties: { sessionExpiryInterval: 0xffff_ffff, receiveMaximum: 64 },
      will: { topic: this.topic("up/presence"), payload: this.presence(false), qos: 1, retain: false, properties: { willDelayInterval: 30 } },
    });
    this.#client = client;
    let greeted = false, refused = false;
    client.on("connect", () => {
      greeted = true;
      [this.#attempts, this.#refusals, this.closed] = [0, 0, false];
      client.subscribe(this.topic("down/+"), { qos: 1 });
      this.watcher.up();
    });
    client.on("message", (topic, payload) => this.watcher.message(topic, payload));
    client.on("disconnect", (packet) => { refused ||= REFUSING.has(packet.reasonCode); });
    client.on("error", (error) => {
      refused ||= REFUSING.has(error.code) || (!greeted && error.code !== "ECONNREFUSED" && error.code !== "ETIMEDOUT");
    });
    client.once("close", () => {
      if (client !== this.#client) return;
      this.#client = null;
      client.end(true);
      this.watcher.down();
      if (!this.#wanted) return;
      this.#refusals = refused ? this.#refusals + 1 : 0;
      if (this.#refusals && this.#refusals % REFUSALS_BEFORE_STATUS === 0) {
        this.closed = true;
        this.watcher.refused();
      }
      this.later();
    });
  }

  later(least = 0) {
    clearTimeout(this.#timer);
    if (!this.#wanted) return;
    const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#attempts++);
    this.#timer = setTimeout(() => this.#open(), Math.max(least, Math.random() * ceiling));
  }

  get up() {
    return Boolean(this.#client?.connected);
  }

  /** Publish on an own topic; resolves to true when the broker took it. */
  publish(kind, payload) {
    if (Buffer.byteLength(payload) > PAYLOAD_MAX) throw new RangeError(`${kind}: too large`);
    return new Promise((resolve) => {
      if (!this.up) return resolve(false);
      const client = this.#client;
      const lost = () => resolve(false);
      client.setMaxListeners(0).once("close", lost);
      client.publish(this.topic(`up/${kind}`), payload, { qos: 1 }, (error, packet) => {
        client.off("close", lost);
        resolve(!error && (packet?.reasonCode ?? 0) < 0x80);
      });
    });
  }

  subscribe(topic) {
    this.#client?.subscribe(topic, { qos: 1 });
  }

  unsubscribe(topic) {
    this.#client?.unsubscribe(topic);
  }

  /** Leave with a word; with `again` come back at once, with whatever certificate is in force by then. */
  async leave({ again = false } = {}) {
    this.#wanted = again;
    clearTimeout(this.#timer);
    const client = this.#client;
    if (!client) return again ? this.#open() : undefined;
    await this.publish("presence", this.presence(false));
    this.#client = null;
    await client.endAsync();
    this.watcher.down();
    if (again) this.#open();
  }
}
