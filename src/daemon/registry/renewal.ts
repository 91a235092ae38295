import type { Logger } from "#lib/log";
import type { Clock } from "#lib/time";
import type { Listener } from "#registry";
import { readCertificate, type ServedCertificate } from "./certificate.ts";
import type { RegistryConfig } from "./config.ts";
import { dateOf } from "./open-doors.ts";
import { reporter } from "./reporter.ts";

export interface RenewalOptions {
  readonly listener: Pick<Listener, "replaceTls">;
  /** Undefined: no TLS, and nothing to renew. */
  readonly served: ServedCertificate | undefined;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly log: Logger;
}

/** Serves the certificate that is in force: files that were replaced, and one of our own before it ends. */
export class Renewal implements Disposable {
  readonly #options: RenewalOptions;
  #served: ServedCertificate | undefined;
  #config: RegistryConfig | undefined;
  #cancel: (() => void) | undefined;
  #isClosed = false;

  constructor(options: RenewalOptions) {
    this.#options = options;
    this.#served = options.served;
  }

  /** Looks at the certificate from time to time. */
  start(config: RegistryConfig): void {
    this.#config = config;
    this.#wait();
  }

  /** Takes over the certificate of another configuration. @throws what is wrong with it; the old one stays then */
  async take(config: RegistryConfig): Promise<void> {
    const { listener, clock } = this.#options;
    if (this.#served === undefined) return;
    const found = await readCertificate(config, () => dateOf(clock));
    if (found === undefined || this.#isClosed) return;
    if (JSON.stringify(found.files) !== JSON.stringify(this.#served.files)) listener.replaceTls(found.files);
    this.#served = found;
    this.#config = config;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  #wait(): void {
    const { clock, everyMs, log } = this.#options;
    if (this.#served === undefined || this.#isClosed) return;
    this.#cancel = clock.after(everyMs, () => {
      const config = this.#config;
      const taken = config === undefined ? Promise.resolve() : this.take(config);
      taken.catch(reporter(log, "renew its certificate")).finally(() => this.#wait());
    });
  }
}
