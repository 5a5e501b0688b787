import { Counter, Gauge, Registry } from 'prom-client';
import type { Engine } from '../runtime/engine-client.ts';

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

  #counter<L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(engine: Engine): Promise<string> {
    const lines = [await this.#registry.metrics()];
    for (const [name, value] of Object.entries(await engine.metrics())) {
      const type = name.endsWith('_total') ? 'counter' : 'gauge';
      lines.push(`# TYPE ${name} ${type}\n${name} ${value}\n`);
    }
    return lines.join('\n');
  }
}
