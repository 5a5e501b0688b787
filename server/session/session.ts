import { SqlError } from '../../common/sql-error.ts';
import type { ParsedStatement, Planned, Statement } from '../../planner/statement.ts';
import type { BlockScope, RunOptions } from '../../runtime/engine-client.ts';
import type { Oid, Requirement } from '../../runtime/plan/relation.ts';
import { SYSTEM_SCHEMA } from '../../runtime/plan/system-views.ts';
import type { NotificationSink } from '../notifications/notification-hub.ts';
import { shownStatement, versionText } from '../../planner/planner.ts';
import { isLargeText, isRemote } from '../planning/planner-thread.ts';
import type { CatalogView } from '../catalog.ts';
import type { ServerContext } from '../server-context.ts';
import type { Arguments } from './arguments.ts';
import { commitTransaction } from './commit.ts';
import { executeStatement } from './execute-statement.ts';
import { type Endable, FollowedRights } from './followed-rights.ts';
import { HeldShare } from './held-memory.ts';
import { Interrupt } from './interrupt.ts';
import { Listening } from './listening.ts';
import type { Login } from './login.ts';
import type { Notice } from './notice.ts';
import { settleNotifications } from './notify-statement.ts';
import type { Outcome } from './outcome.ts';
import { OpenSources } from './open-sources.ts';
import { queryLimits } from './query-limits.ts';
import { meaningOf } from './session-meaning.ts';
import { planContextOf } from './plan-context.ts';
import { applyEffects } from './plan-effects.ts';
import { Portals } from './portals.ts';
import { PreparedStatements } from './prepared-statements.ts';
import { Refresh } from './refresh.ts';
import type { RowSource } from './row-source.ts';
import { parseDurationMs, versionNumber } from '../settings/setting-kind.ts';
import { type Endpoints, SessionActivity } from './session-activity.ts';
import { SessionSettings } from './settings.ts';
import { requireStatementSize } from './statement-size.ts';
import { BEFORE_QUERIES, WRITES } from './statement-kinds.ts';
import { Transaction } from './transaction.ts';
import { inWholeText } from './whole-text.ts';

/** What a session tells its client outside of answers. */
export type SessionEvents = Readonly<{
  onNotice: (notice: Notice) => void;
  onParameter: (name: string, value: string) => void;
  /** null: the protocol has none. */
  notifications: NotificationSink | null;
}>;

/**
 * One client's state, whatever the protocol: settings, prepared statements, portals and the transaction. Statements
 * run one after the other; `cancel` and `close` may come at any time.
 */
export class Session {
  readonly context: ServerContext;
  readonly settings: SessionSettings;
  readonly interrupt = new Interrupt();
  readonly login: Login;
  /** Of the registry; 0 for a session that can't be cancelled by number. */
  pid = 0;
  readonly activity: SessionActivity;
  /** null: not told, or no client of the wire. */
  endpoints: Endpoints | null = null;
  readonly held: HeldShare;
  readonly prepared: PreparedStatements;
  readonly portals = new Portals();
  transaction: Transaction | null = null;
  /**
   * Whether the statement that runs is the last of its implicit block: with nothing written before it, it can be
   * carried out at once.
   */
  endsBlock = true;
  readonly sink: NotificationSink | null;
  readonly listening: Listening | null;
  readonly #events: SessionEvents;
  readonly #sources: OpenSources;
  /** Of the statement that runs. */
  #requires: readonly Requirement[] = [];
  readonly #rights: FollowedRights;
  #running = false;
  #timer: NodeJS.Timeout | null = null;
  #overlay: Readonly<{ base: CatalogView; changes: number; view: CatalogView }> | null = null;
  #closed = false;
  readonly #refresh: Refresh;
  /** False: who is let in under any name, as a role of another one. */
  readonly #ownName: boolean;
  #meaning: Readonly<{ version: number; text: string }> | null = null;

  constructor(context: ServerContext, login: Login, events: SessionEvents) {
    this.context = context;
    this.held = new HeldShare(context.heldMemory);
    this.prepared = new PreparedStatements(this.held);
    this.#rights = new FollowedRights(context.catalog);
    this.login = login;
    this.#ownName = context.catalog.current.roleByOid(login.role)?.name === login.user;
    this.#events = events;
    this.#sources = new OpenSources(context.slowReaders);
    this.activity = new SessionActivity(context.clock);
    this.#refresh = new Refresh(context.clock);
    this.settings = new SessionSettings(context.configuration.sessionDefaults, events.onParameter);
    this.settings.setFixed('session_authorization', login.user);
    this.settings.setFixed('server_version_num', versionNumber(this.settings.get('server_version')));
    this.sink = events.notifications;
    this.listening = this.sink === null ? null : new Listening(context.notifications, this.sink);
    const { settings = {}, superuser = false } = context.catalog.current.roleByOid(login.role) ?? {};
    this.settings.setFixed('is_superuser', superuser ? 'on' : 'off');
    for (const [name, value] of Object.entries(settings)) this.settings.setAtStartup(name, value, true);
  }

  /** session_user: who logged in, or whom SET SESSION AUTHORIZATION made of it. */
  get sessionUser(): string {
    if (this.settings.roleOf('session_authorization') === null && !this.#ownName) return this.login.user;
    return this.#nameOf(this.sessionRole, this.settings.get('session_authorization'));
  }

  /** Roles may be renamed, and their names given to others: policies ask who somebody is now. */
  #nameOf(role: Oid, before: string): string {
    return this.catalog.roleByOid(role)?.name ?? before;
  }

  get sessionRole(): Oid {
    return this.settings.roleOf('session_authorization') ?? this.login.role;
  }

  /** current_user: whose privileges count, and whose objects it makes. */
  get user(): string {
    const role = this.settings.roleOf('role');
    return role === null ? this.sessionUser : this.#nameOf(role, this.settings.get('role'));
  }

  get role(): Oid {
    return this.settings.roleOf('role') ?? this.sessionRole;
  }

  /** Schema millrace is the server's own, not the one of the user millrace: its views must not hide that one's relations. */
  get searchPath(): readonly string[] {
    const { searchPath } = this.settings;
    return this.user === SYSTEM_SCHEMA ? searchPath.filter((name) => name !== '$user') : searchPath;
  }

  get isSuperuser(): boolean {
    return this.catalog.roleByOid(this.role)?.superuser === true;
  }

  /** version() */
  get versionText(): string {
    return versionText(this.settings.get('server_version'));
  }

  get status(): 'idle' | 'block' | 'failed' {
    if (this.transaction === null) return 'idle';
    if (this.transaction.failed) return 'failed';
    return this.transaction.implicit ? 'idle' : 'block';
  }

  /** What names mean: the committed catalog, with the block's own changes on top. */
  get catalog(): CatalogView {
    const base = this.context.catalog.current;
    const changes = this.transaction?.changes ?? [];
    if (changes.length === 0) return base;
    if (this.#overlay?.base !== base || this.#overlay.changes !== changes.length) {
      this.#overlay = { base, changes: changes.length, view: this.context.catalog.overlay(changes) };
    }
    return this.#overlay.view;
  }

  /** The tick that a query outside of a block reads; null: the last one there is when it begins. */
  get readTick(): number | null {
    if (this.transaction !== null || this.settings.get('millrace.read_tick') === 'latest') return null;
    return this.#refresh.tickAt(this.context.engine.changes.committed);
  }

  /** All of a session that the answer to a text may depend on, beside the catalog; equal texts mean equal answers. */
  get meaning(): string {
    const { version } = this.settings;
    if (this.#meaning?.version === version) return this.#meaning.text;
    const text = meaningOf(this);
    this.#meaning = { version, text };
    return text;
  }

  /** µs; the same for all statements of a block. */
  get now(): number {
    return this.transaction?.now ?? this.context.clock() * 1_000;
  }

  notify(notice: Notice): void {
    this.#events.onNotice(notice);
  }

  parse(text: string): readonly ParsedStatement[] {
    requireStatementSize(text, this.context.configuration.config.statementBytesMax);
    return this.context.plans.parse(text);
  }

  /** The same wherever the text is parsed: a large one in the planner's thread. */
  async parseText(text: string): Promise<readonly ParsedStatement[]> {
    requireStatementSize(text, this.context.configuration.config.statementBytesMax);
    if (!isLargeText(text)) return this.parse(text);
    return this.interrupt.wait(this.context.planner.parse(text));
  }

  async planText(parsed: ParsedStatement, given: Arguments): Promise<Planned> {
    // of many small statements each is soon planned: nobody waits long
    if (!isRemote(parsed) || !isLargeText(parsed.text)) return this.plan(parsed, given);
    try {
      const context = planContextOf(this, given);
      const planned = await this.interrupt.wait(this.context.planner.plan(parsed, context));
      return planned ?? this.plan(parsed, given);
    } catch (error) {
      throw inWholeText(error, parsed);
    }
  }

  plan(parsed: ParsedStatement, given: Arguments): Planned {
    // a tree that is elsewhere is made again
    const here = isRemote(parsed) ? this.parse(parsed.text)[0]! : parsed;
    try {
      return this.context.plans.plan(here, planContextOf(this, given));
    } catch (error) {
      throw inWholeText(error, parsed);
    }
  }

  /** Starts the clock of statement_timeout; the work of every message stands between this and `finish`. */
  start(): void {
    this.#running = true;
    this.#refresh.begin();
    if (!this.#closed) this.interrupt.clear();
    this.#startClock();
  }

  /** Of several statements in one message each has statement_timeout for itself, as it is set by then. */
  restartClock(): void {
    this.#stopClock();
    this.#startClock();
  }

  #startClock(): void {
    const timeoutMs = parseDurationMs(this.settings.get('statement_timeout')) ?? 0;
    if (timeoutMs > 0 && this.#timer === null) {
      const error = new SqlError('57014', 'canceling statement due to statement timeout');
      this.#timer = setTimeout(() => this.interrupt.raise(error), timeoutMs);
    }
  }

  finish(): void {
    this.#running = false;
    this.activity.end();
    this.#refresh.finish();
    this.#stopClock();
  }

  #stopClock(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /**
   * Carries out one statement. The caller stands between `start` and `finish`. `amend` lets a protocol refuse kinds of
   * statements, or set what it says beside the text.
   */
  async execute(
    parsed: ParsedStatement,
    given: Arguments,
    amend: (statement: Statement) => Statement = (statement) => statement,
  ): Promise<Outcome> {
    this.interrupt.throwIfRaised();
    this.refuseInFailedBlock(parsed);
    this.activity.begin(shownStatement(parsed.text));
    const planned = await this.planText(parsed, given);
    if (this.transaction !== null && !BEFORE_QUERIES.has(planned.statement.kind))
      this.transaction.asked = true;
    applyEffects(this, planned);
    this.#requires = planned.requires;
    if (WRITES.has(planned.statement.kind)) this.#refresh.end();
    return executeStatement(this, amend(planned.statement), parsed, given);
  }

  refuseInFailedBlock(parsed: ParsedStatement | null): void {
    if (!this.transaction?.failed || parsed?.endsTransaction) return;
    throw new SqlError(
      '25P02',
      'current transaction is aborted, commands ignored until end of transaction block',
    );
  }

  /** 25006 in a read-only transaction. */
  refuseReadOnly(command: string): void {
    if (this.settings.get('transaction_read_only') !== 'on') return;
    throw new SqlError('25006', `cannot execute ${command} in a read-only transaction`);
  }

  /** An error fails the block it happens in; an implicit one is gone with it. */
  fail(): void {
    if (this.transaction === null) return;
    if (this.transaction.implicit) this.endTransaction(false);
    else this.transaction.failed = true;
  }

  begin(implicit: boolean): void {
    this.transaction = new Transaction(implicit, this.context.clock() * 1_000);
    this.settings.beginBlock();
  }

  /** Whether a write or change belongs to the block, and waits for COMMIT; if not, it is carried out at once. */
  get buffers(): boolean {
    const { transaction } = this;
    return transaction !== null && !(transaction.implicit && transaction.isEmpty && this.endsBlock);
  }

  /** Ends an implicit block, if one is open: its writes land now. */
  async endImplicit(): Promise<void> {
    if (this.transaction?.implicit) await this.commit();
  }

  async commit(): Promise<number | null> {
    const transaction = this.transaction;
    if (transaction === null) return null;
    try {
      await this.portals.keepHeld();
      const tick = await commitTransaction(this, transaction);
      this.endTransaction(true);
      return tick;
    } catch (error) {
      this.endTransaction(false);
      throw error;
    }
  }

  endTransaction(committed: boolean): void {
    this.settings.endBlock(committed);
    const { transaction } = this;
    // what the engine keeps of a block that committed is gone already
    if (transaction?.wrote && !committed)
      void this.context.engine.endBlock(transaction.block).catch(() => {});
    settleNotifications(this, committed);
    this.transaction = null;
    this.#overlay = null;
    this.portals.endTransaction(committed);
  }

  /** Where policies hide rows there is none: it tells of all, also of why they were rejected. */
  get #silenceNoticeMs(): number {
    if (this.#requires.some(({ policies }) => policies !== '')) return 0;
    return parseDurationMs(this.settings.get('millrace.silence_notice')) ?? 0;
  }

  runOptions(label: string, block: BlockScope | null, snapshot: number | null): RunOptions {
    return {
      label,
      pid: this.pid,
      now: this.now,
      silenceNoticeMs: this.#silenceNoticeMs,
      snapshot,
      ...queryLimits(this.settings),
      ...(block === null ? {} : { block }),
    };
  }

  /**
   * A result that is cancelled when the session closes, and ended when its reader is too slow. `followed`: it goes on, and
   * ends when its role has no more right to it.
   */
  track<S extends RowSource>(source: S, followed: Endable | null = null): S {
    this.#sources.add(source);
    if (followed !== null) this.#rights.follow(source, followed, this.#requires, this.role);
    return source;
  }

  release(source: RowSource): void {
    this.#rights.drop(source);
    this.#sources.release(source);
  }

  /** CancelRequest, pg_cancel_backend: nothing happens between statements. */
  cancel(): void {
    if (this.#running) {
      this.interrupt.raise(new SqlError('57014', 'canceling statement due to user request'));
    }
  }

  /** The client is gone, or the server stops: everything of the session ends. */
  close(error: SqlError = new SqlError('08006', 'connection to client lost')): void {
    if (this.#closed) return;
    this.#closed = true;
    this.interrupt.raise(error);
    this.finish();
    this.#sources.cancelAll();
    this.#rights.close();
    if (this.transaction !== null) this.endTransaction(false);
    this.portals.closeAll();
    this.listening?.apply({ kind: 'unlisten', channel: null });
    this.prepared.clear();
  }
}
