import type { SqlError } from '../../common/sql-error.ts';
import { firstRefusal } from '../../planner/planner.ts';
import type { Oid, Requirement } from '../../runtime/plan/relation.ts';
import type { ServerCatalog } from '../catalog.ts';

/** What can be ended with an error from outside. */
export interface Endable {
  fail(error: SqlError): void;
}

type Followed = Readonly<{ rows: Endable; requires: readonly Requirement[]; role: Oid }>;

/** The running results of a session, ended with 42501 once their role has no more right to them. */
export class FollowedRights {
  readonly #catalog: ServerCatalog;
  readonly #followed = new Map<object, Followed>();
  #stopListening: (() => void) | null = null;

  constructor(catalog: ServerCatalog) {
    this.#catalog = catalog;
  }

  /** `key`: what `drop` is called with. */
  follow(key: object, rows: Endable, requires: readonly Requirement[], role: Oid): void {
    this.#followed.set(key, { rows, requires, role });
    this.#stopListening ??= this.#catalog.watch(() => this.#check());
    // the catalog may have changed since the plan was made
    this.#check();
  }

  drop(key: object): void {
    this.#followed.delete(key);
    if (this.#followed.size === 0) this.close();
  }

  close(): void {
    this.#followed.clear();
    this.#stopListening?.();
    this.#stopListening = null;
  }

  #check(): void {
    for (const { rows, requires, role } of this.#followed.values()) {
      const refusal = firstRefusal(this.#catalog.current, requires, role);
      if (refusal !== null) rows.fail(refusal);
    }
  }
}
