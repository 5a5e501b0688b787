/** What every session of one server shares. */
import type { Logger } from 'pino';
import type { SecretKey } from '../common/secret-key.ts';
import type { Engine } from '../runtime/engine-client.ts';
import type { AuditLog } from './auth/audit-log.ts';
import type { Authentication } from './auth/authentication.ts';
import type { Encryption } from './auth/encryption.ts';
import type { ServerCatalog } from './catalog.ts';
import type { ResultCache } from './results/result-cache.ts';
import type { ServerMetrics } from './metrics.ts';
import type { NotificationHub } from './notifications/notification-hub.ts';
import type { PlannerThread } from './planning/planner-thread.ts';
import type { HeldMemory } from './session/held-memory.ts';
import type { PlanCache } from './session/plan-cache.ts';
import type { SlowReaders } from './session/slow-readers.ts';
import type { SessionRegistry } from './session/session-registry.ts';
import type { Configuration } from './settings/configuration.ts';
import type { SystemCatalog } from './system-catalog/system-catalog.ts';

export type ServerContext = Readonly<{
  engine: Engine;
  catalog: ServerCatalog;
  authentication: Authentication;
  encryption: Encryption;
  audit: AuditLog;
  plans: PlanCache;
  /** Encoded answers. */
  results: ResultCache;
  /** for large texts */
  planner: PlannerThread;
  systemCatalog: SystemCatalog;
  sessions: SessionRegistry;
  notifications: NotificationHub;
  slowReaders: SlowReaders;
  heldMemory: HeldMemory;
  metrics: ServerMetrics;
  secretKey: SecretKey;
  log: Logger;
  configuration: Configuration;
  /** Reads the configuration again; what is wrong with it is logged, and changes nothing. */
  reload: () => void;
  /** Milliseconds since 1970. */
  clock: () => number;
  /** Milliseconds since 1970. */
  startedAt: number;
}>;
