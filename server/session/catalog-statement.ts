/** Queries of the system catalog: asked of its mirror, with what is the session's own. */
import { SqlError } from '../../common/sql-error.ts';
import type { Field, Schema } from '../../common/types.ts';
import { typeOid } from '../../common/types.ts';
import { batchBytes } from '../../runtime/batch/concat.ts';
import type { ParsedStatement, Statement } from '../../planner/statement.ts';
import { HELD_ANSWER_BYTES_MIN } from '../limits.ts';
import {
  type CatalogParameters,
  describeMessages,
  NO_PARAMETERS,
  queryMessages,
} from '../system-catalog/catalog-request.ts';
import type { MirrorField, MirrorReply } from '../system-catalog/mirror-messages.ts';
import { readsSizes, sessionFacts } from '../system-catalog/session-facts.ts';
import type { RowsOutcome } from './outcome.ts';
import { StaticRows } from './row-source.ts';
import type { Arguments } from './arguments.ts';
import type { Session } from './session.ts';
import { sendSignals, signalFields } from './signal-columns.ts';
import { inWholeText } from './whole-text.ts';

type CatalogStatement = Extract<Statement, { kind: 'catalog' }>;

/** As the mirror tells it. */
export type CatalogDescription = Readonly<{ parameterOids: readonly number[]; columns: Schema }>;

export async function describeCatalog(
  session: Session,
  statement: CatalogStatement,
  parsed: ParsedStatement,
  parameterOids: readonly number[],
): Promise<CatalogDescription> {
  const reply = await ask(session, statement, parsed, describeMessages(statement.text, parameterOids));
  const columns = signalFields(schemaOf(reply.fields), statement.signals);
  return { parameterOids: reply.parameterOids, columns };
}

/** All rows at once: their bytes are bounded. */
export async function runCatalog(
  session: Session,
  statement: CatalogStatement,
  parsed: ParsedStatement,
  given: Arguments,
): Promise<RowsOutcome> {
  const { text, settings, signals } = statement;
  const { resultFormats = [] } = given;
  const messages = queryMessages(text, parametersOf(given), resultFormats);
  const reply = await ask(session, statement, parsed, messages);
  if (reply.rows > 0) applySettings(session, settings);
  const formatOf = (column: number): number =>
    resultFormats.length === 1 ? resultFormats[0]! : (resultFormats[column] ?? 0);
  const batches =
    signals.length === 0 ? reply.batches : sendSignals(session, reply.batches, signals, formatOf);
  return {
    kind: 'rows',
    columns: signalFields(schemaOf(reply.fields), signals),
    source: heldRows(session, batches),
    live: null,
    tag: statement.explains ? 'EXPLAIN' : 'SELECT',
    counted: !statement.explains,
  };
}

function applySettings(session: Session, settings: CatalogStatement['settings']): void {
  if (settings.some(({ name }) => name === null)) {
    throw new SqlError('0A000', 'set_config() of settings named by rows is not supported', {
      hint: 'Use SET.',
    });
  }
  for (const { name, value, local } of settings) {
    if (value === null) session.settings.reset(name!, local, session.isSuperuser);
    else session.settings.set(name!, value, local, session.isSuperuser);
  }
}

/** They may wait in a portal for long. */
function heldRows(session: Session, batches: MirrorReply['batches']): StaticRows {
  const bytes = batches.reduce((sum, batch) => sum + batchBytes(batch), 0);
  if (bytes < HELD_ANSWER_BYTES_MIN) return new StaticRows(batches, 0);
  session.held.take(bytes);
  return session.track(new StaticRows(batches, 0, () => session.held.give(bytes)));
}

async function ask(
  session: Session,
  statement: CatalogStatement,
  parsed: ParsedStatement,
  messages: Uint8Array,
): Promise<MirrorReply> {
  const { context, interrupt } = session;
  const { reads } = statement;
  const sizes = readsSizes(reads) ? await interrupt.wait(context.engine.sizes()) : null;
  const facts = sessionFacts(session, reads, sizes);
  const pending = context.systemCatalog.ask({ catalog: session.catalog, facts, messages });
  let reply: MirrorReply;
  try {
    reply = await interrupt.wait(pending.answer);
  } catch (error) {
    pending.abandon();
    throw error;
  }
  if (reply.error !== null) throw inWholeText(SqlError.fromPlain(reply.error), parsed);
  return reply;
}

function parametersOf(given: Arguments): CatalogParameters {
  if (given.parameters !== undefined) return given.parameters;
  if (given.values === undefined) return NO_PARAMETERS;
  return {
    oids: given.types.map((name) => (name === null ? 0 : typeOid(name))),
    values: given.values.map((value) => (value === null ? null : Buffer.from(value))),
    formats: [],
  };
}

const schemaOf = (fields: readonly MirrorField[] | null): Schema =>
  (fields ?? []).map(({ name, ...foreign }): Field => ({ name, type: { name: 'text' }, foreign }));
