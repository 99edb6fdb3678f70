// Section 8: each command at most once, judged by server time, answered with a sealed result.
const LIFE_S = 600;
const string = (value) => typeof value === "string" && [...value].length <= 2000;
const within = (low, high) => (value) => Number.isInteger(value) && value >= low && value <= high;

const ARGS = {
  ping: {}, unlock: {}, sync: {}, rotate_certificate: {},
  lock: { message: string },
  message: { title: string, text: string },
  ring: { seconds: within(1, 300) },
  wipe: { scope: (value) => value === "work_data" || value === "device", preserve_records: (value) => typeof value === "boolean", deadline_s: within(0, 604_800) },
};

function argsFit(type, args) {
  const forms = ARGS[type];
  return Object.keys(args).length === Object.keys(forms).length && Object.entries(forms).every(([name, fits]) => fits(args[name]));
}

export const COMMANDS = Object.keys(ARGS);

export class Commands {
  #known = new Map();
  #held = new Map();
  #open = new Set();
  #running = new Set();

  constructor(phone) {
    this.phone = phone;
  }

  /** A verified command; false where its claims have a wrong form. */
  take(claims) {
    const { jti, type, args, iat, exp } = claims;
    if (typeof jti !== "string" || typeof type !== "string" || typeof args !== "object" || !(exp >= iat && exp - iat <= LIFE_S)) return false;
    if (this.#known.has(jti)) this.#say(jti);
    else if (this.phone.timeKnown) this.#begin(claims);
    else this.#held.set(jti, claims);
    return true;
  }

  timeKnown() {
    for (const claims of [...this.#held.values()]) this.#begin(claims);
    this.#held.clear();
  }

  #begin(claims) {
    const running = this.#judge(claims).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** When nothing is being carried out any more. */
  idle() {
    return Promise.all(this.#running);
  }

  async #judge({ jti, type, args, exp }) {
    if (this.#known.has(jti)) return;
    const settle = (status, detail = null, output = null) => this.#settle(jti, type, status, detail, output);
    if (this.phone.clock.seconds() > exp) return settle("rejected", "expired");
    if (!this.phone.capabilities.includes(type)) return settle("rejected", "unsupported");
    if (!argsFit(type, args)) return settle("rejected", "args");
    await settle("received");
    try {
      await this.#carryOut(type, args, settle);
    } catch (error) {
      await settle("failed", error.code ?? "error");
    }
  }

  async #carryOut(type, args, settle) {
    const phone = this.phone;
    if (type === "lock") phone.locked = args.message;
    if (type === "unlock") phone.locked = null;
    if (type === "sync") await phone.greet();
    if (type === "rotate_certificate") {
      await phone.requests.renew();
      await settle("succeeded", null, { certificate_expires_at: phone.identity.expires });
      phone.tell("renewed", { expires: phone.identity.expires });
      return phone.link.leave({ again: true });
    }
    if (type === "wipe") return this.#wipe(args, settle);
    return settle("succeeded");
  }

  async #wipe({ scope, preserve_records: preserve, deadline_s: deadline }, settle) {
    const left = preserve ? await this.phone.records.drain(deadline) : this.phone.records.unsent;
    this.phone.erase();
    await settle("succeeded", left ? `${left} records were not archived` : null, { scope, records_left: left });
  }

  async #settle(jti, type, status, detail, output) {
    this.#known.set(jti, { command: jti, status, detail, output, at: this.phone.clock.now() });
    this.phone.tell("command", { id: jti, type, status, detail });
    await this.#say(jti);
  }

  async #say(jti) {
    const result = this.#known.get(jti);
    this.#open.add(jti);
    const payload = await this.phone.seal(await this.phone.sign("result", result));
    let taken = await this.phone.link.publish("result", payload);
    if (!taken && this.phone.link.closed) {
      taken = await this.phone.requests.postJose("device/results", payload).then(() => true, () => false);
    }
    if (taken && this.#known.get(jti) === result) this.#open.delete(jti);
  }

  sayAgain() {
    return Promise.all([...this.#open].map((jti) => this.#say(jti)));
  }
}
