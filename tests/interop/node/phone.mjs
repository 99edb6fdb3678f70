// A phone that lives as long as its process: `node phone.mjs '<JSON of the QR code's extras>'`.
// It tells what happens as lines of JSON and takes orders as lines of JSON.
import { createInterface } from "node:readline";
import { Clock } from "./clock.mjs";
import { COMMANDS, Commands } from "./commands.mjs";
import { Link } from "./link.mjs";
import { Policy } from "./policy.mjs";
import { Records } from "./records.mjs";
import { Requests, enroll } from "./requests.mjs";
import { UnknownKey, sealed, signed, uuid, verified } from "./secrets.mjs";

const VERSION = "0.1.0", FAMILIES = ["device", "keywords"], HEARTBEAT_S = 60, KEYS_MS = 300_000, INTEGRITY_MS = 60_000;

class Phone {
  clock = new Clock();
  capabilities = [...FAMILIES, ...COMMANDS].sort();
  boot = uuid();
  timeKnown = false;
  collecting = true;
  locked = null;
  wiped = false;
  #beat = null;
  #keysTried = -Infinity;
  #integrityAt = -Infinity;
  #unsaid = 0;

  constructor(identity) {
    this.identity = identity;
    this.requests = new Requests(identity, this.clock);
    this.policy = new Policy(this);
    this.records = new Records(this);
    this.commands = new Commands(this);
    this.link = new Link(identity, this);
  }

  tell(event, members = {}) {
    console.log(JSON.stringify({ event, ...members }));
  }

  // Out

  sign(kind, members) {
    const claims = { ...members, sub: this.identity.id, jti: uuid(), iat: this.clock.iat() };
    return signed(this.identity.signing, `shouji-${kind}+jws`, claims);
  }

  seal(text) {
    const [kid, key] = [...this.identity.sealing][0];
    return sealed(kid, key, text);
  }

  async say(kind, members) {
    return this.link.publish(kind, await this.sign(kind, members));
  }

  hello() {
    const { policy, records } = this;
    return this.say("hello", {
      connection: this.link.connection, boot_id: this.boot, agent_version: VERSION, capabilities: this.capabilities,
      generation: policy.inForce?.generation ?? 0, highest_generation: policy.highest, bundle: policy.inForce?.digest ?? null,
      reported: policy.reported, contacts_version: 0, next_seq: records.next, oldest_seq: records.next > 1 ? 1 : records.next,
      archived_through: records.receipt?.through ?? 0, clock: new Date().toISOString(), notice_version: this.identity.notice,
    });
  }

  heartbeat() {
    const { policy, records } = this;
    return this.link.publish("heartbeat", JSON.stringify({
      at: this.clock.now(), battery: 0.5, charging: null, network: "wifi", storage_free: 1_000_000, uptime_s: Math.floor(process.uptime()),
      queue: { records: records.unsent, oldest: null }, generation: policy.inForce?.generation ?? 0, bundle: policy.inForce?.digest ?? null,
      posture: { encrypted: true, passcode: true, rooted: false, developer_mode: false, agent_admin: true, permissions: {}, sim: [], security_patch: null },
    }));
  }

  async greet() {
    await Promise.all([this.hello(), this.link.publish("presence", this.link.presence(true)), this.heartbeat()]);
    await this.commands.sayAgain();
    await this.records.send();
  }

  // What the link tells

  newConnection() {
    return uuid();
  }

  up() {
    this.tell("connected");
    this.greet();
    this.#plan();
  }

  #plan() {
    clearInterval(this.#beat);
    const every = this.policy.inForce?.document.rules.device?.heartbeat_seconds ?? HEARTBEAT_S;
    this.#beat = setInterval(() => this.heartbeat(), every * 1000);
  }

  down() {
    clearInterval(this.#beat);
    this.tell("disconnected");
    if (this.wiped) this.refused();
  }

  async refused() {
    const status = await this.requests.status().catch((error) => this.tell("no_status", { why: error.message }));
    if (!status) return;
    this.tell("status", { state: status.state, action: status.action });
    this.#know();
    if (status.command) await this.#check("command", "shouji-command+jws", status.command, (claims) => this.commands.take(claims));
    // A wipe that waits for its queue would wait in vain: from here on the queue goes over HTTP.
    if (this.link.closed && this.records.draining) await this.records.deliver();
    await this.commands.idle();
    if (status.action === "unenroll") return this.#unenroll();
    if (status.action === "reauthenticate") await this.requests.renew();
    if (status.action === "retry") this.link.later(status.retry_after * 1000);
  }

  async #unenroll() {
    await this.link.leave();
    this.policy.erase();
    await this.records.deliver();
    this.tell("ended", { unsent: this.records.unsent });
    process.exit(0);
  }

  message(topic, payload) {
    const kind = topic.slice(topic.lastIndexOf("/") + 1);
    if (topic.startsWith("shouji/v1/blobs/")) return this.policy.arrived(topic, payload);
    if (!payload.length || topic !== this.link.topic(`down/${kind}`)) return undefined;
    const token = payload.toString("ascii");
    if (kind === "desired") return this.#check(kind, "shouji-desired+jws", token, (claims) => { this.policy.take(claims); return true; });
    if (kind === "command") return this.#check(kind, "shouji-command+jws", token, (claims) => this.commands.take(claims));
    if (kind === "archived") return this.#check(kind, "shouji-archived+jws", token, (claims) => this.#archived(claims, token));
    return undefined;
  }

  async #check(what, typ, token, take) {
    try {
      let claims;
      try {
        claims = await verified(token, typ, this.identity.trusted, this.identity.id);
      } catch (error) {
        if (!(error instanceof UnknownKey) || performance.now() - this.#keysTried < KEYS_MS) throw error;
        this.#keysTried = performance.now();
        await this.requests.fetchKeys();
        claims = await verified(token, typ, this.identity.trusted, this.identity.id);
      }
      if (typ !== "shouji-archived+jws" || this.timeKnown) this.clock.learn(claims.iat);
      if (!take(claims)) throw new Error("form");
    } catch (error) {
      this.#integrity(what, error.message);
    }
  }

  #archived(claims, token) {
    this.clock.learn(claims.iat);
    if (!this.records.take(claims, token)) return false;
    this.tell("archived", { through: claims.through, refused: claims.refused ?? null, greeting: claims.connection === this.link.connection });
    if (claims.connection === this.link.connection) this.#know();
    return true;
  }

  #know() {
    if (this.timeKnown) return;
    this.timeKnown = true;
    this.commands.timeKnown();
  }

  #integrity(what, reason) {
    this.tell("integrity", { what, reason });
    this.#unsaid += 1;
    if (performance.now() - this.#integrityAt < INTEGRITY_MS) return;
    this.#integrityAt = performance.now();
    const count = this.#unsaid;
    this.#unsaid = 0;
    this.records.event({ type: "integrity", severity: "critical", detail: { what, reason, count } });
  }

  // What the parts tell

  wantNotice(version) {
    this.collecting = !this.wiped && (!version || version === this.identity.notice);
    if (!this.collecting && !this.wiped) this.tell("notice", { version });
  }

  applied(inForce, fetched) {
    this.#plan();
    this.tell("applied", { generation: inForce.generation, rules: inForce.rules, fetched, documents: Object.keys(inForce.named) });
  }

  erase() {
    [this.wiped, this.collecting] = [true, false];
    this.policy.erase();
    this.records.erase();
  }

  // Orders

  async order({ do: what, ...members }) {
    if (what === "record") this.records.add(members);
    else if (what === "send") await this.records.send();
    else if (what === "event") await this.records.event(members);
    else if (what === "foreign") this.tell("foreign", { taken: await this.#foreign() });
    else if (what === "replay") this.tell("replay", { code: await this.#replay() });
    else if (what === "accept") await this.#accept();
    else if (what === "leave") await this.link.leave();
    else if (what === "start") this.link.start();
  }

  /** The new holder reads the notice in force and accepts it. */
  async #accept() {
    const { version } = await this.requests.accept();
    this.identity.notice = version;
    this.wantNotice(version);
    this.tell("accepted", { version });
    await this.hello();
  }

  /** Whether the broker lets a record of somebody else's through. */
  async #foreign() {
    const own = this.link.topic;
    this.link.topic = (way) => `shouji/v1/d/${uuid()}/${way}`;
    const taken = this.link.publish("heartbeat", "{}");
    this.link.topic = own;
    return taken;
  }

  /** What the server says to a device JWT that it has seen. */
  async #replay() {
    const token = await this.requests.token();
    await this.requests.ask("GET", "device/status", { token });
    return this.requests.ask("GET", "device/status", { token }).then(() => null, (error) => error.problem.reason);
  }
}

const qr = JSON.parse(process.argv[2]);
const device = {
  serial: process.argv[3] ?? "INTEROP-1", imei: [], manufacturer: "Interop", model: "Node", os: "android", os_version: "14", agent: "interop-phone", agent_version: VERSION,
};
try {
  const identity = await enroll(qr, device, (notice) => console.log(JSON.stringify({ event: "notice", version: notice.version, languages: Object.keys(notice.texts) })));
  const phone = new Phone(identity);
  phone.tell("enrolled", { id: identity.id });
  await phone.requests.fetchKeys();
  createInterface({ input: process.stdin }).on("line", (line) => phone.order(JSON.parse(line))).on("close", () => process.exit(0));
  phone.link.start();
} catch (error) {
  console.log(JSON.stringify({ event: "refused", status: error.status ?? null, code: error.code ?? error.message }));
  process.exit(1);
}
