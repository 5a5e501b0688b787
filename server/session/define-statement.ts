import { formatDatum } from '../../common/value-text.ts';
import { hashToken, newToken } from '../auth/token.ts';
import { formatVerifier, makeVerifier, parseVerifier } from '../auth/scram-verifier.ts';
import { TOKEN_COLUMNS } from '../../planner/planner.ts';
import type { ParsedStatement, Statement } from '../../planner/statement.ts';
import type { CatalogChange } from '../../runtime/plan/relation.ts';
import { defineChanges } from './define-changes.ts';
import type { Outcome } from './outcome.ts';
import type { Arguments } from './arguments.ts';
import type { Session } from './session.ts';
import { sealedChanges } from './sealed-changes.ts';
import { textRows } from './text-rows.ts';

type Definition = Extract<Statement, { kind: 'create' | 'drop' | 'alter' | 'change' }>;

/**
 * CREATE, DROP, ALTER …: at once outside a block, with COMMIT inside. `executeOther`: what the text means may have
 * changed to something that is no definition (IF NOT EXISTS, where it now exists).
 */
export async function executeDefinition(
  session: Session,
  statement: Definition,
  parsed: ParsedStatement,
  given: Arguments,
  executeOther: (statement: Statement) => Promise<Outcome>,
): Promise<Outcome> {
  const { transaction, context } = session;
  session.refuseReadOnly(statement.tag);
  const base = context.catalog.current;
  const verifier = await verifierOf(session, statement);
  const token = newToken();
  if (transaction !== null && session.buffers) {
    announce(session, statement);
    const changes = withToken(changesOf(session, statement, verifier), token);
    for (const change of changes) {
      if (change.kind !== 'alter' || transaction.bases.has(change.object.oid)) continue;
      transaction.bases.set(change.object.oid, base.object(change.object.oid));
    }
    transaction.changes.push(...changes);
    return answerOf(session, statement, token, null);
  }
  return context.catalog.exclusively(async () => {
    // A change that was committed since planning may alter what this statement means.
    if (context.catalog.current.version !== base.version) {
      const again = session.plan(parsed, given);
      if (!isDefinition(again.statement)) return executeOther(again.statement);
      statement = again.statement;
    }
    const tick = await defineChanges(session, withToken(changesOf(session, statement, verifier), token));
    announce(session, statement);
    return answerOf(session, statement, token, tick);
  });
}

/** A token's definition has no hash before it is made. */
function withToken(changes: readonly CatalogChange[], token: string): readonly CatalogChange[] {
  return changes.map((change) =>
    change.kind === 'create' && change.object.kind === 'token'
      ? { ...change, object: { ...change.object, hash: hashToken(token) } }
      : change,
  );
}

/** CREATE TOKEN alone gives a row: nobody can ask for the token again. */
function answerOf(session: Session, statement: Definition, token: string, tick: number | null): Outcome {
  const { tag } = statement;
  if (statement.kind !== 'create' || statement.object.kind !== 'token') return { kind: 'command', tag, tick };
  const { name, role, validUntil } = statement.object;
  const until = validUntil === null ? null : formatDatum(validUntil, { name: 'timestamptz' }, {});
  return textRows(TOKEN_COLUMNS, [[name, token, session.catalog.roleByOid(role)?.name ?? null, until]], tag);
}

const DEFINITIONS: ReadonlySet<Statement['kind']> = new Set(['create', 'drop', 'alter', 'change']);

function isDefinition(statement: Statement): statement is Definition {
  return DEFINITIONS.has(statement.kind);
}

function announce(session: Session, statement: Definition): void {
  if (statement.kind !== 'drop') return;
  for (const message of statement.notices) session.notify({ severity: 'NOTICE', code: '00000', message });
}

/** Slow, and made before the catalog is held for the change. */
async function verifierOf(session: Session, statement: Definition): Promise<string | null> {
  if (statement.kind !== 'change') return null;
  if (statement.setting !== null) {
    const { name, value } = statement.setting;
    session.settings.check(name, value, session.isSuperuser);
  }
  if (statement.password === null) return null;
  const text = statement.password.secret.reveal();
  if (parseVerifier(text) !== null) return text;
  return formatVerifier(await makeVerifier(text));
}

function withVerifier(
  change: CatalogChange,
  password: (Definition & { kind: 'change' })['password'],
  verifier: string | null,
): CatalogChange {
  if (password === null || change.kind === 'drop' || change.object.oid !== password.role) return change;
  return change.object.kind === 'role' ? { ...change, object: { ...change.object, verifier } } : change;
}

function changesOf(
  session: Session,
  statement: Definition,
  verifier: string | null,
): readonly CatalogChange[] {
  const { context, catalog } = session;
  const changes = plannedChanges(statement, verifier);
  const value = statement.kind === 'create' || statement.kind === 'alter' ? statement.value : undefined;
  return sealedChanges(changes, value, context.secretKey, catalog);
}

function plannedChanges(statement: Definition, verifier: string | null): readonly CatalogChange[] {
  switch (statement.kind) {
    case 'create':
      return [{ kind: 'create', object: statement.object, replaces: statement.replaces }];
    case 'drop':
      return statement.oids.length === 0 ? [] : [{ kind: 'drop', oids: statement.oids }];
    case 'alter':
      return statement.objects.map((object) => ({ kind: 'alter', object }));
    case 'change':
      return statement.changes.map((change) => withVerifier(change, statement.password, verifier));
  }
}
