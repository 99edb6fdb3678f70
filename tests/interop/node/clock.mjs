// Section 8: server time is the highest verified `iat` plus monotonic time since; section 4: an own `iat` never decreases.
import { performance } from "node:perf_hooks";

export class Clock {
  highest = 0;
  #reference = null;
  #at = 0;
  #last = 0;

  learn(iat) {
    this.highest = Math.max(this.highest, iat);
    if (this.#reference === null || iat > this.seconds()) [this.#reference, this.#at] = [iat, performance.now()];
  }

  seconds() {
    if (this.#reference === null) return Math.max(Date.now() / 1000, this.highest);
    return this.#reference + (performance.now() - this.#at) / 1000;
  }

  now() {
    return new Date(this.seconds() * 1000).toISOString();
  }

  iat() {
    this.#last = Math.max(this.#last, Math.floor(this.seconds()));
    return this.#last;
  }
}
