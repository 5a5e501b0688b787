/** What a session does, for pg_stat_activity. */

/** Both ends of a client's connection. */
export type Endpoints = Readonly<{
  address: string;
  port: number;
  serverAddress: string;
  serverPort: number;
  /** null: in clear */
  encryption: Readonly<{ protocol: string; cipher: string }> | null;
}>;

export class SessionActivity {
  readonly #clock: () => number;
  /** Milliseconds since 1970, all of them. */
  readonly startedAt: number;
  changedAt: number;
  queryAt: number | null = null;
  query = '';
  active = false;

  constructor(clock: () => number) {
    this.#clock = clock;
    this.startedAt = clock();
    this.changedAt = this.startedAt;
  }

  begin(query: string): void {
    this.active = true;
    this.query = query;
    this.queryAt = this.#clock();
    this.changedAt = this.queryAt;
  }

  end(): void {
    if (!this.active) return;
    this.active = false;
    this.changedAt = this.#clock();
  }
}
