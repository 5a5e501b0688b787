import { Counter, Gauge, Registry } from 'prom-client';
import type { Engine, EngineMetrics } from '../runtime/engine-client.ts';

/** Samples by name; those that differ in labels only are one family under one TYPE line. */
function samples(metrics: EngineMetrics): string {
  const families = new Map<string, string[]>();
  for (const [name, value] of Object.entries(metrics)) {
    const family = name.replace(/\{.*$/, '');
    const lines = families.get(family) ?? [];
    lines.push(`${name} ${value}`);
    families.set(family, lines);
  }
  let text = '';
  for (const [family, lines] of families) {
    text += `# TYPE ${family} ${family.endsWith('_total') ? 'counter' : 'gauge'}\n${lines.join('\n')}\n`;
  }
  return text;
}

/** Counters of the server, and the engine's own, in Prometheus' text format. */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly connections = this.#counter('millrace_connections_total', 'Connections accepted.', ['protocol']);
  readonly openConnections = new Gauge({
    name: 'millrace_connections',
    help: 'Connections open.',
    labelNames: ['protocol'],
    registers: [this.#registry],
  });
  readonly errors = this.#counter(
    'millrace_statement_errors_total',
    'Statements that ended with an error.',
    [],
  );
  readonly requests = this.#counter('millrace_http_requests_total', 'HTTP requests answered.', [
    'route',
    'status',
  ]);

  readonly logins = this.#counter('millrace_logins_total', 'Logins, by outcome: ok, failed.', [
    'protocol',
    'outcome',
  ]);

  readonly results = this.#counter(
    'millrace_result_cache_total',
    'Answers over HTTP that may be kept: hit = encoded for an earlier or concurrent request.',
    ['outcome'],
  );

  readonly catalogQueries = this.#counter(
    'millrace_catalog_queries_total',
    'Queries of the system catalog.',
    [],
  );
  readonly catalogMirrorStarts = this.#counter(
    'millrace_catalog_mirror_starts_total',
    'Starts of the mirror that answers queries of the system catalog.',
    [],
  );
  readonly catalogMirrors = new Gauge({
    name: 'millrace_catalog_mirror_running',
    help: 'Whether the mirror that answers queries of the system catalog runs.',
    registers: [this.#registry],
  });

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(engine: Engine): Promise<string> {
    return `${await this.#registry.metrics()}\n${samples(await engine.metrics())}`;
  }
}
