/** What every session of one server shares. */
import type { Logger } from 'pino';
import type { Engine } from '../runtime/engine-client.ts';
import type { ServerCatalog } from './catalog.ts';
import type { ResultCache } from './http/result-cache.ts';
import type { ServerMetrics } from './metrics.ts';
import type { PlannerThread } from './planning/planner-thread.ts';
import type { PlanCache } from './session/plan-cache.ts';
import type { SessionRegistry } from './session/session-registry.ts';

export type ServerContext = Readonly<{
  engine: Engine;
  catalog: ServerCatalog;
  plans: PlanCache;
  /** Encoded answers. */
  results: ResultCache;
  /** for large texts */
  planner: PlannerThread;
  sessions: SessionRegistry;
  metrics: ServerMetrics;
  log: Logger;
  /** Settings that the configuration gives, by lower-case name. */
  settings: ReadonlyMap<string, string>;
  /** Milliseconds since 1970. */
  clock: () => number;
}>;
