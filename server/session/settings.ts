import { SqlError } from '../../common/sql-error.ts';
import { CUSTOM_SETTINGS_MAX, SETTING_CHANGES_MAX, SETTING_CHARACTERS_MAX } from '../limits.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { TextSettings } from '../../common/value-text.ts';
import { SETTING_DEFINITIONS, settingNamed } from '../settings/all-settings.ts';
import type { SettingDefinition } from '../settings/setting-definition.ts';
import { canonicalText } from '../settings/setting-kind.ts';
import { invalidSetting, unchangeableSetting, unrecognizedSetting } from '../settings/setting-errors.ts';

type Change = Readonly<{ name: string; before: string | undefined }>;

/** Where a block's settings were at a savepoint. */
export type SettingsMark = Readonly<{ changes: number; local: readonly Change[] }>;

/**
 * A session's settings. SET is undone when its transaction fails, SET LOCAL at its end: while a block runs, the values
 * before are kept and put back.
 */
export class SessionSettings {
  /** by lower-case name */
  readonly #values: Map<string, string>;
  /** What RESET goes back to: the server's values, then what the startup packet asked for. */
  readonly #startup: Map<string, string>;
  readonly #onReport: (name: string, value: string) => void;
  /** Values before each SET [LOCAL] of the block; null outside one. */
  #undo: Change[] | null = null;
  /** Of SET LOCAL: the value before the first one of each name. */
  #local: readonly Change[] = [];
  /** Where the last savepoint is among the changes: what a name was before it is kept once. */
  #markedAt = 0;
  #version = 0;
  #text: TextSettings | null = null;

  /** `defaults`: the text of every setting, by lower-case name. */
  constructor(defaults: ReadonlyMap<string, string>, onReport: (name: string, value: string) => void) {
    this.#onReport = onReport;
    this.#values = new Map(defaults);
    this.#startup = new Map(defaults);
    this.#settleModes();
  }

  /** Changes with every SET: part of what a plan may depend on. */
  get version(): number {
    return this.#version;
  }

  /** By lower-case name, for the planner. */
  get values(): ReadonlyMap<string, string> {
    return this.#values;
  }

  get(name: string): string {
    return this.#values.get(name.toLowerCase()) ?? '';
  }

  /** The role that `role` or `session_authorization` was set to; null: the one of the login. */
  roleOf(name: 'role' | 'session_authorization'): Oid | null {
    const oid = this.#values.get(roleKey(name));
    return oid === undefined || oid === '' ? null : Number(oid);
  }

  /** SET ROLE and SET SESSION AUTHORIZATION, once they are allowed; `role` null: back to the login's. */
  setRole(
    name: 'role' | 'session_authorization',
    role: Readonly<{ name: string; oid: Oid }> | null,
    local: boolean,
  ): void {
    this.#assign(roleKey(name), role === null ? '' : String(role.oid), local);
    this.#assign(name, role?.name ?? this.#startup.get(name) ?? '', local);
  }

  /** What `is_superuser` shows follows the role, back too. */
  showSuperuser(superuser: boolean, local: boolean): void {
    this.#assign('is_superuser', superuser ? 'on' : 'off', local);
  }

  /** SHOW: 42704 for a name that is not known. */
  show(name: string): string {
    const value = this.#values.get(name.toLowerCase());
    if (value === undefined) throw unrecognizedSetting(name);
    return value;
  }

  displayName(name: string): string {
    return settingNamed(name)?.name ?? name;
  }

  /** By name. `confidential`: those that are told too. */
  all(
    confidential: ReadonlyMap<string, string>,
  ): readonly Readonly<{ name: string; value: string; description: string }>[] {
    return SETTING_DEFINITIONS.flatMap(({ name, description }) => {
      const key = name.toLowerCase();
      const value = this.#values.get(key) ?? confidential.get(key);
      return value === undefined ? [] : [{ name, value, description }];
    }).sort((a, b) => (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1));
  }

  reported(): readonly Readonly<{ name: string; value: string }>[] {
    return SETTING_DEFINITIONS.filter((definition) => definition.reported).map((definition) => ({
      name: definition.name,
      value: this.get(definition.name),
    }));
  }

  /** Sets what the startup packet asked for, or the role has: RESET goes back to it. */
  setAtStartup(name: string, value: string, privileged: boolean): void {
    const key = name.toLowerCase();
    const canonical = this.check(name, value, privileged);
    this.#values.set(key, canonical);
    this.#startup.set(key, canonical);
    this.#version++;
    this.#settleModes();
  }

  /** Values that the server alone may give (session_authorization). */
  setFixed(name: string, value: string): void {
    this.#values.set(name.toLowerCase(), value);
    this.#startup.set(name.toLowerCase(), value);
  }

  /** `privileged`: for a superuser. */
  set(name: string, value: string, local = false, privileged = false): void {
    this.#assign(name.toLowerCase(), this.check(name, value, privileged), local);
  }

  /** RESET name, SET name TO DEFAULT. */
  reset(name: string, local = false, privileged = false): void {
    const key = name.toLowerCase();
    const definition = settingNamed(key);
    if (definition === undefined && !this.#values.has(key)) {
      if (!key.includes('.') || key.startsWith('millrace.')) throw unrecognizedSetting(name);
      return;
    }
    if (definition !== undefined) requireSettable(definition, privileged);
    const initial = this.#startup.get(key);
    this.#assign(key, initial ?? '', local);
  }

  resetAll(privileged: boolean): void {
    for (const definition of SETTING_DEFINITIONS) {
      const { context, name } = definition;
      const settable = context === 'user' || (context === 'superuser' && privileged);
      if (!settable || OF_THE_BLOCK.has(name)) continue;
      this.#assign(definition.name.toLowerCase(), this.#startup.get(definition.name.toLowerCase())!, false);
    }
    for (const name of this.#customNames()) this.#assign(name, this.#startup.get(name) ?? '', false);
  }

  #customNames(): readonly string[] {
    return [...this.#values.keys()].filter((name) => isCustom(name));
  }

  beginBlock(): void {
    this.#undo = [];
    this.#local = [];
    this.#markedAt = 0;
  }

  /** A place to which `restoreTo` goes back (a savepoint). */
  mark(): SettingsMark {
    this.#markedAt = this.#undo?.length ?? 0;
    return { changes: this.#markedAt, local: this.#local };
  }

  /** SET LOCAL of before the savepoint ends with the block again, whatever was set since. */
  restoreTo({ changes, local }: SettingsMark): void {
    this.#undoTo(changes);
    this.#local = local;
    this.#markedAt = changes;
  }

  #undoTo(changes: number): void {
    const undo = this.#undo;
    if (undo === null) return;
    while (undo.length > changes) this.#restore(undo.pop()!);
  }

  endBlock(committed: boolean): void {
    if (committed) for (const change of this.#local) this.#restore(change);
    else this.#undoTo(0);
    this.#undo = null;
    this.#local = [];
    this.#settleModes();
  }

  /** Outside of a block its modes are those that the next one will begin with. */
  #settleModes(): void {
    for (const name of MODES) this.#store(name, this.get(`default_${name}`));
  }

  /** What the text encoders need. */
  get text(): TextSettings {
    if (this.#text !== null) return this.#text;
    this.#text = {
      timeZone: this.get('timezone'),
      dateStyle: this.get('datestyle'),
      intervalStyle: this.get('intervalstyle') as NonNullable<TextSettings['intervalStyle']>,
      byteaOutput: this.get('bytea_output') as NonNullable<TextSettings['byteaOutput']>,
      extraFloatDigits: Number(this.get('extra_float_digits')),
      now: () => Date.now() * 1_000,
    };
    return this.#text;
  }

  get searchPath(): readonly string[] {
    return parseNameList(this.get('search_path'));
  }

  #assign(key: string, value: string, local: boolean): void {
    const before = this.#values.get(key);
    if (before === undefined && this.#values.size > SETTING_DEFINITIONS.length + CUSTOM_SETTINGS_MAX) {
      throw new SqlError('54000', 'too many custom settings in this session');
    }
    if (this.#undo !== null) {
      this.#keepBefore(this.#undo, { name: key, before });
      // A plain SET after a SET LOCAL outlives the block.
      if (!local) this.#local = this.#local.filter((change) => change.name !== key);
      else if (!this.#local.some((change) => change.name === key))
        this.#local = [...this.#local, { name: key, before }];
    } else if (local) {
      return; // SET LOCAL outside a block has no effect; the session warns.
    }
    this.#store(key, value);
    if (this.#undo === null) this.#settleModes();
  }

  #keepBefore(undo: Change[], change: Change): void {
    if (undo.some(({ name }, i) => i >= this.#markedAt && name === change.name)) return;
    if (undo.length >= SETTING_CHANGES_MAX)
      throw new SqlError('54000', 'too many changes of settings in this transaction');
    undo.push(change);
  }

  #restore(change: Change): void {
    if (change.before === undefined) {
      this.#values.delete(change.name);
      this.#version++;
    } else {
      this.#store(change.name, change.before);
    }
  }

  #store(key: string, value: string): void {
    if (this.#values.get(key) === value) return;
    this.#values.set(key, value);
    this.#version++;
    this.#text = null;
    const definition = settingNamed(key);
    if (definition?.reported) this.#onReport(definition.name, value);
  }

  /** The value as it is kept. 42704, 55P02, 42501, 22023. */
  check(name: string, value: string, privileged: boolean): string {
    const definition = settingNamed(name);
    if (value.length > SETTING_CHARACTERS_MAX) {
      throw new SqlError('54000', `the value for parameter "${name.slice(0, NAME_CHARACTERS)}" is too long`, {
        detail: `A setting may have ${SETTING_CHARACTERS_MAX} characters.`,
      });
    }
    if (definition === undefined) {
      // A name with a prefix of its own is a custom setting, as in PostgreSQL; our own prefix is closed.
      const [prefix] = name.toLowerCase().split('.');
      if (!name.includes('.') || prefix === 'millrace') throw unrecognizedSetting(name);
      return value;
    }
    requireSettable(definition, privileged);
    const { kind } = definition;
    const canonical = canonicalText(kind, value);
    if (canonical === null) throw invalidSetting(definition, value);
    if (kind.only !== undefined && canonical !== kind.only) {
      throw new SqlError('0A000', `${definition.name} can only be ${kind.only}`);
    }
    return canonical;
  }
}

function requireSettable(definition: SettingDefinition, privileged: boolean): void {
  const { context, name } = definition;
  if (context === 'user' || (context === 'superuser' && privileged)) return;
  if (context !== 'superuser') throw unchangeableSetting(definition);
  throw new SqlError('42501', `permission denied to set parameter "${name}"`);
}

/** They belong to a transaction: RESET ALL leaves them. */
export const MODES = ['transaction_read_only', 'transaction_deferrable'] as const;
const OF_THE_BLOCK: ReadonlySet<string> = new Set(['transaction_isolation', ...MODES]);

/** Of a name in an error. */
const NAME_CHARACTERS = 63;

/** A name that nobody defined: the session's own. */
const isCustom = (name: string): boolean => name.includes('.') && settingNamed(name) === undefined;

/** Beside the name, which may be given to another role: a key that no statement can name. */
const roleKey = (name: string): string => `\0${name}`;

/** `"$user", public` as a list of names; unquoted ones fold to lower case. */
export function parseNameList(text: string): readonly string[] {
  const names: string[] = [];
  const pattern = /\s*(?:"((?:[^"]|"")*)"|([^,"]*))\s*(?:,|$)/y;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null || match[0] === '') break;
    const name = match[1]?.replaceAll('""', '"') ?? match[2]!.trim().toLowerCase();
    if (name !== '') names.push(name);
  }
  return names;
}
