/** Plans under policies: what lies right above the scan, what is looked up by key, what a plan stands on. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadPlanner } from '../../planner/planner.ts';
import type { Planned, PlanContext } from '../../planner/statement.ts';
import { inputsOf, walkPlan } from '../../runtime/plan/plan-nodes.ts';
import type { PlanNode, QueryPlan } from '../../runtime/plan/query-plan.ts';
import { keyConstants } from '../../runtime/plan/key-constants.ts';
import { MemoryCatalog, run } from '../plan/memory-catalog.ts';

let catalog: MemoryCatalog;

beforeAll(loadPlanner);
beforeEach(() => {
  catalog = new MemoryCatalog();
  run(
    catalog,
    `CREATE ROLE ada; CREATE ROLE bob;
     CREATE TABLE t (id int PRIMARY KEY, who text, n int);
     CREATE STREAM s (at timestamptz, who text, n int, WATERMARK FOR at AS at);
     GRANT USAGE ON SCHEMA public TO PUBLIC;
     GRANT SELECT, INSERT ON t, s TO ada, bob;
     ALTER TABLE t ENABLE ROW LEVEL SECURITY;
     ALTER STREAM s ENABLE ROW LEVEL SECURITY;
     CREATE POLICY own ON t USING (who = current_user);
     CREATE POLICY own ON s USING (who = current_user);`,
  );
});

function planAs(name: string, sql: string, more: Partial<PlanContext> = {}): Planned {
  const { oid: role } = catalog.role(name)!;
  return run(catalog, sql, { role, user: name, sessionRole: role, ...more })[0]!;
}

function queryAs(name: string, sql: string, more: Partial<PlanContext> = {}): QueryPlan {
  const { statement } = planAs(name, sql, more);
  if (statement.kind !== 'query') throw new Error(statement.kind);
  return statement.plan;
}

/** What reads each scan. */
function aboveScans(plan: QueryPlan): readonly PlanNode[] {
  const above: PlanNode[] = [];
  walkPlan(plan.root, (node) => {
    const inputs = inputsOf(node);
    if (inputs.some((input) => input.kind === 'scan')) above.push(node);
  });
  return above;
}

describe('the filter of a policy', () => {
  it.each([
    'SELECT * FROM t',
    'SELECT 1 / n FROM t WHERE 1 / n > 0',
    'SELECT id FROM (SELECT id, 1 / n AS x FROM t WHERE n::text::int > 0) q WHERE x > 0 ORDER BY 1 LIMIT 1',
    'SELECT who, count(*) FROM t GROUP BY who HAVING count(*) > 1',
    'SELECT n FROM t UNION ALL SELECT 1 / n FROM s',
    'WITH w AS (SELECT 1 / n AS x FROM t) SELECT x FROM w WHERE x > 0',
    `SELECT who, sum(1 / n) FROM HOP(s, at, INTERVAL '1 second', INTERVAL '1 minute') WHERE 1 / n > 0 GROUP BY who, window_end EMIT ON WINDOW CLOSE`,
    'SELECT s.n, 1 / t.n FROM s JOIN t FOR SYSTEM_TIME AS OF PROCTIME() ON 1 / t.n = 1 / s.n EMIT CHANGES',
    'SELECT row_number() OVER (PARTITION BY who ORDER BY n) FROM t',
  ])('lies right above every scan: %s', (sql) => {
    const above = aboveScans(queryAs('ada', sql));
    expect(above.length).toBeGreaterThan(0);
    for (const node of above) {
      expect(node).toMatchObject({
        kind: 'filter',
        predicate: { kind: 'call', function: '=(text,text)', args: [{}, { kind: 'constant', text: 'ada' }] },
      });
    }
  });

  it('asks other relations in finite queries only', () => {
    run(catalog, 'CREATE TABLE groups (who text, g text); GRANT SELECT ON groups TO ada');
    run(catalog, 'CREATE POLICY grouped ON s USING (who IN (SELECT who FROM groups))');
    expect(queryAs('ada', 'SELECT n FROM s').subqueries).toHaveLength(1);
    expect(() => planAs('ada', 'SELECT n FROM s EMIT CHANGES')).toThrow(
      expect.objectContaining({ code: '0A000', position: undefined }),
    );
    expect(() => run(catalog, 'DROP TABLE groups CASCADE')).toThrow(
      expect.objectContaining({ code: '2BP01' }),
    );
  });

  it('lets a key above it be looked up', () => {
    const [constants] = [...keyConstants(queryAs('ada', 'SELECT n FROM t WHERE id = 7').root).values()];
    expect(constants?.get(0)).toMatchObject([{ text: '7' }]);
    expect(constants?.get(1)).toMatchObject([{ text: 'ada' }]);
  });

  it('is there for views by their owner, and for nobody who is exempt', () => {
    run(
      catalog,
      'CREATE VIEW v AS SELECT * FROM t; CREATE VIEW i WITH (security_invoker) AS SELECT * FROM t',
    );
    run(catalog, 'GRANT SELECT ON v, i TO ada');
    expect(aboveScans(queryAs('ada', 'SELECT * FROM v'))).toEqual([]);
    expect(aboveScans(queryAs('ada', 'SELECT * FROM i'))).toHaveLength(1);
    run(catalog, 'ALTER VIEW v OWNER TO bob');
    const [node] = aboveScans(queryAs('ada', 'SELECT * FROM v'));
    // whose rights count is the owner's, current_user is who asks
    expect(node).toMatchObject({ kind: 'filter', predicate: { args: [{}, { text: 'ada' }] } });
    run(catalog, 'ALTER ROLE ada BYPASSRLS');
    expect(aboveScans(queryAs('ada', 'SELECT * FROM t'))).toEqual([]);
  });
});

describe('what a plan stands on', () => {
  it('names relations, rights and policies', () => {
    const { requires } = planAs('ada', 'INSERT INTO s SELECT now(), who, n FROM t');
    const rights = requires.map(({ relation, privilege, policies }) => [
      catalog.relationByOid(relation)?.name,
      privilege,
      policies.includes('current_user'),
    ]);
    expect(rights.sort()).toEqual([
      ['s', 'a', true],
      ['t', 'r', true],
    ]);
  });

  it('holds claims as constants, and never those of others', () => {
    run(catalog, `CREATE POLICY claimed ON t USING (who = millrace.claim('who'))`);
    const withClaims = (claims: PlanContext['claims']): string =>
      JSON.stringify(queryAs('ada', 'SELECT * FROM t', { claims }));
    expect(withClaims({ who: 'carl' })).toContain('"carl"');
    expect(withClaims({ who: 'dora' })).not.toContain('"carl"');
    expect(withClaims(null)).not.toContain('"carl"');
    expect(withClaims({ who: `x' OR true --` })).toContain(`x' OR true --`);
  });
});
