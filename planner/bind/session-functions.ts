/** Functions about the session, which drivers ask at connect: constants at plan time; such plans are not cached. */
import type { FuncCall, Node } from 'libpg-query';
import type { TypeName } from '../../common/types.ts';
import { DATABASE } from '../../runtime/plan/authorization.ts';
import type { Expression } from '../../runtime/plan/expression.ts';
import { isSuperuser } from '../authorize/membership.ts';
import { requireSettingsReader } from '../authorize/settings.ts';
import { requireSignal } from './signal-function.ts';
import { requireActing } from './acting-calls.ts';
import type { BindingContext } from './binding-context.ts';
import { type Bound, typed } from './bound.ts';
import { coerceTo } from './coerce.ts';
import type { ExpressionBinder } from './expression-binder.ts';

const SERVER_VERSION = '18.0';

/** version() of a server that calls itself so (server_version). */
export const versionText = (version: string): string => `PostgreSQL ${version} (Millrace 0.1.0) on Node.js`;

/** The names drivers and BI tools ask for; others are ordinary functions. */
const NAMES: ReadonlySet<string> = new Set([
  'version',
  'current_schema',
  'current_schemas',
  'current_database',
  'current_catalog',
  'current_user',
  'current_role',
  'session_user',
  'user',
  'pg_backend_pid',
  'current_setting',
  'set_config',
  'pg_cancel_backend',
  'pg_terminate_backend',
  'pg_reload_conf',
  'pg_notify',
  'pg_advisory_unlock_all',
  'pg_is_in_recovery',
  'inet_server_addr',
  'inet_server_port',
  'inet_client_addr',
  'inet_client_port',
  'pg_postmaster_start_time',
  'pg_conf_load_time',
]);

/** Those that do something. */
const ACTING: ReadonlySet<string> = new Set([
  'set_config',
  'pg_cancel_backend',
  'pg_terminate_backend',
  'pg_reload_conf',
  'pg_notify',
]);

export const isSessionFunction = (name: string): boolean => NAMES.has(name);

export function sessionConstant(
  context: BindingContext,
  text: string | null,
  name: TypeName = 'text',
): Expression {
  context.gathered.forbidCaching();
  return { kind: 'constant', text, type: { name } };
}

/** Of who asks: it is in the key of every cache, so that plans with it may be kept. */
export const identity = (text: string | null): Expression => ({
  kind: 'constant',
  text,
  type: { name: 'text' },
});

export function bindSessionFunction(binder: ExpressionBinder, call: FuncCall, name: string): Bound | null {
  if (!NAMES.has(name)) return null;
  const { context } = binder;
  const location = call.location ?? 0;
  const nodes = call.args ?? [];
  const give = (text: string | null, type: TypeName = 'text'): Bound =>
    typed(sessionConstant(context, text, type), location);
  const peer = context.plan.server?.peer ?? null;
  const wanted = ARITY[name] ?? [0];
  if (!wanted.includes(nodes.length)) return null;
  if (ACTING.has(name)) requireActing(context, call, name);
  switch (name) {
    case 'version':
      return give(versionText(context.plan.settings.get('server_version') ?? SERVER_VERSION));
    case 'current_schema':
      return give(existingSchemas(context)[0] ?? null);
    case 'current_schemas': {
      const implicit = constantText(binder, nodes[0], 'bool') === 't' ? ['pg_catalog'] : [];
      return give(`{${[...implicit, ...existingSchemas(context)].join(',')}}`, '_text');
    }
    case 'current_database':
    case 'current_catalog':
      return give(DATABASE.name);
    case 'pg_backend_pid':
      return give(String(context.plan.backendPid ?? 0), 'int4');
    case 'current_setting':
      return bindCurrentSetting(binder, nodes, location);
    case 'set_config':
      return bindSetConfig(binder, nodes, location);
    case 'pg_cancel_backend':
    case 'pg_terminate_backend':
      return bindSignal(binder, nodes, name === 'pg_terminate_backend', location);
    case 'pg_reload_conf':
      if (!isSuperuser(context.catalog, context.role))
        throw context.error(-1, '42501', 'permission denied for function pg_reload_conf');
      context.gathered.signals.push({ kind: 'reload' });
      return give('t', 'bool');
    case 'pg_notify':
      return bindNotify(binder, nodes, location);
    // no session holds one
    case 'pg_advisory_unlock_all':
      return give('');
    case 'pg_is_in_recovery':
      return give('f', 'bool');
    case 'inet_server_addr':
      return give(peer?.serverAddress ?? null);
    case 'inet_client_addr':
      return give(peer?.address ?? null);
    case 'inet_server_port':
      return give(peer === null ? null : String(peer.serverPort), 'int4');
    case 'inet_client_port':
      return give(peer === null ? null : String(peer.port), 'int4');
    case 'pg_postmaster_start_time':
      return give(instant(context.plan.server?.startedAt), 'timestamptz');
    case 'pg_conf_load_time':
      return give(instant(context.plan.server?.loadedAt), 'timestamptz');
    case 'session_user':
      return typed(identity(context.plan.sessionUser), location);
    default:
      return typed(identity(context.plan.user), location);
  }
}

const instant = (micros: number | undefined): string | null =>
  micros === undefined ? null : new Date(micros / 1_000).toISOString();

const ARITY: Readonly<Record<string, readonly number[]>> = {
  current_schemas: [1],
  current_setting: [1, 2],
  set_config: [3],
  pg_notify: [2],
  pg_cancel_backend: [1],
  pg_terminate_backend: [1],
};

const existingSchemas = (context: BindingContext): readonly string[] =>
  context.searchPath.filter((name) => context.catalog.schema(name) !== undefined);

/** These functions are answered at plan time, so their arguments must be known then. */
function constantText(binder: ExpressionBinder, node: Node | undefined, type: TypeName): string | null {
  if (node === undefined) return null;
  const bound = binder.bind(node);
  const e = coerceTo(binder.context, bound, type);
  if (e.kind === 'constant') return e.text;
  throw binder.context.error(
    bound.location,
    '0A000',
    'this function takes constants only',
    'Give a literal or a parameter.',
  );
}

function bindCurrentSetting(binder: ExpressionBinder, nodes: readonly Node[], location: number): Bound {
  const { context } = binder;
  const name = constantText(binder, nodes[0], 'text');
  const missingOk = constantText(binder, nodes[1], 'bool') === 't';
  const value = name === null ? undefined : settingValue(context, name.toLowerCase());
  // While only described, a parameter's value is not known yet.
  if (name !== null && value === undefined && !missingOk) {
    throw context.error(-1, '42704', `unrecognized configuration parameter "${name}"`);
  }
  return typed(sessionConstant(context, value ?? null), location);
}

function settingValue(context: BindingContext, name: string): string | undefined {
  const { settings, confidential } = context.plan;
  const value = settings.get(name);
  if (value !== undefined || confidential?.has(name) !== true) return value;
  requireSettingsReader(context.catalog, context.plan.role, name);
  return confidential.get(name);
}

/** The session carries the change out when it runs the statement (PlanContext.setSetting). */
function bindSetConfig(binder: ExpressionBinder, nodes: readonly Node[], location: number): Bound {
  const { context } = binder;
  const name = constantText(binder, nodes[0], 'text');
  const value = constantText(binder, nodes[1], 'text');
  const local = constantText(binder, nodes[2], 'bool') === 't';
  if (name !== null) context.gathered.settings.push({ name: name.toLowerCase(), value, local });
  return typed(sessionConstant(context, value), location);
}

/** The session sends it when it runs the statement. */
function bindNotify(binder: ExpressionBinder, nodes: readonly Node[], location: number): Bound {
  const { context } = binder;
  const channel = constantText(binder, nodes[0], 'text') ?? '';
  const payload = constantText(binder, nodes[1], 'text') ?? '';
  context.gathered.signals.push({ kind: 'notify', channel, payload });
  return typed(sessionConstant(context, ''), location);
}

/** True where there is such a session; the one that runs the statement sends the signal. */
function bindSignal(
  binder: ExpressionBinder,
  nodes: readonly Node[],
  terminate: boolean,
  location: number,
): Bound {
  const { context } = binder;
  const text = constantText(binder, nodes[0], 'int4');
  if (text === null) return typed(sessionConstant(context, null, 'bool'), location);
  const pid = Number(text);
  const role = context.plan.roleOfBackend?.(pid);
  if (role === undefined) {
    const message = `PID ${pid} is not a PostgreSQL backend process`;
    context.gathered.notices.push({ severity: 'WARNING', code: '01000', message });
    return typed(sessionConstant(context, 'f', 'bool'), location);
  }
  requireSignal(context.catalog, context.plan.role, role, terminate);
  context.gathered.signals.push({ kind: 'backend', pid, terminate });
  return typed(sessionConstant(context, 't', 'bool'), location);
}
