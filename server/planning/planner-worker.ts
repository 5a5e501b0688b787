/** The planner's thread: parses and plans what would hold up the server's. */
import { parentPort } from 'node:worker_threads';
import { assert, unreachable } from '../../common/assert.ts';
import { SqlError, type PlainError } from '../../common/sql-error.ts';
import { loadPlanner, parseStatements, planStatement } from '../../planner/planner.ts';
import type { ParsedStatement, PlanContext, Planned, Statement } from '../../planner/statement.ts';
import { CatalogView, OidAllocator } from '../catalog.ts';
import { LARGE_TEXT_BYTES } from '../limits.ts';
import { packedBuffers, packValues } from './pack-values.ts';
import type { FromPlanner, ToPlanner } from './planner-messages.ts';

assert(parentPort !== null, 'planner-worker runs in a worker thread');
const port = parentPort;

/** Plain data whatever the text; other statements hold trees, take OIDs, or are small. */
const PLANNED_HERE: ReadonlySet<Statement['kind']> = new Set(['query', 'write']);

/** OIDs are given by the server's thread alone: statements that take one are not planned here. */
const noOids = new OidAllocator(0);

/** Parsed and not planned yet. A tree takes many times its text, so only the last texts are kept. */
const SCRIPTS_MAX = 4;
const scripts = new Map<number, (ParsedStatement | null)[]>();
let catalog = new CatalogView([], 0, noOids);

await loadPlanner();
port.on('message', (message: ToPlanner) => {
  try {
    handle(message);
  } catch (error) {
    port.postMessage({ kind: 'error', id: message.id, error: plain(error) } satisfies FromPlanner);
  }
});

const plain = (error: unknown): PlainError =>
  error instanceof SqlError
    ? error.toPlain()
    : { code: 'XX000', message: `internal error: ${(error as Error).message}` };

const post = (message: FromPlanner, transfer: ArrayBuffer[] = []): void =>
  port.postMessage(message, transfer);

function handle(message: ToPlanner): void {
  switch (message.kind) {
    case 'parse':
      parse(message);
      break;
    case 'plan':
      plan(message);
      break;
    default:
      unreachable(message);
  }
}

function parse({ id, text: whole }: ToPlanner & { kind: 'parse' }): void {
  const statements = parseStatements(whole);
  for (const oldest of scripts.keys()) {
    if (scripts.size < SCRIPTS_MAX) break;
    scripts.delete(oldest);
  }
  scripts.set(
    id,
    statements.map((statement) => (statement.text.length > LARGE_TEXT_BYTES ? statement : null)),
  );
  post({
    kind: 'parsed',
    id,
    statements: statements.map(({ text, offset, parameterCount, endsTransaction }) => ({
      text: text === whole ? null : text,
      offset,
      parameterCount,
      endsTransaction,
    })),
  });
}

function plan(message: ToPlanner & { kind: 'plan' }): void {
  const { id, script, index, context } = message;
  if (message.catalog !== null) {
    catalog = new CatalogView(message.catalog.objects, message.catalog.version, noOids);
  }
  const kept = scripts.get(script);
  const parsed = message.text === null ? kept?.[index] : parseStatements(message.text)[0];
  if (parsed === undefined || parsed === null) {
    post({ kind: 'forgotten', id });
    return;
  }
  const planned = planHere(parsed, { ...context, catalog });
  if (kept !== undefined) forget(script, kept, index);
  post({ kind: 'planned', id, planned }, planned === null ? [] : packedBuffers(planned));
}

/** null: what the statement needs is known to the server's thread only. */
function planHere(parsed: ParsedStatement, context: PlanContext): Planned | null {
  let asked = false;
  const roleOfBackend = (): undefined => {
    asked = true;
  };
  const backendsOf = (): readonly number[] => {
    asked = true;
    return [];
  };
  const planned = planStatement(parsed, { ...context, roleOfBackend, backendsOf });
  return asked || !PLANNED_HERE.has(planned.statement.kind) ? null : packValues(planned);
}

/** Most statements are planned once. */
function forget(script: number, kept: (ParsedStatement | null)[], index: number): void {
  kept[index] = null;
  if (kept.every((statement) => statement === null)) scripts.delete(script);
}
