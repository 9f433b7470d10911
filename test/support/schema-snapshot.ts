import { Client } from 'pg';

/**
 * Everything that a migration can make, one line each, as PostgreSQL itself words it. Extensions are left out, with
 * what belongs to them: they are the database's, which others may share, so reverting a migration leaves them there.
 */
const SNAPSHOT = `
  WITH ours AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
  )
  SELECT 'schema ' || nspname AS line FROM ours WHERE nspname <> 'public'
  UNION ALL
  SELECT concat_ws(' ', 'column', c.oid::regclass, lpad(a.attnum::text, 3, '0'), quote_ident(a.attname),
                   format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                   NULLIF(a.attidentity, ''), NULLIF(a.attgenerated, ''), pg_get_expr(d.adbin, d.adrelid))
    FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
  UNION ALL
  SELECT concat_ws(' ', 'relation', c.relkind, c.oid::regclass, c.relpersistence, c.reloptions::text,
                   CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END)
    FROM pg_class c JOIN ours ON ours.oid = c.relnamespace WHERE c.relkind NOT IN ('i', 'I', 't')
  UNION ALL
  SELECT concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid), CASE WHEN NOT i.indisvalid THEN 'INVALID' END)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN ours ON ours.oid = c.relnamespace
  UNION ALL
  SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k JOIN ours ON ours.oid = k.connamespace
  UNION ALL
  SELECT 'trigger ' || pg_get_triggerdef(t.oid)
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN ours ON ours.oid = c.relnamespace
   WHERE NOT t.tgisinternal
  UNION ALL
  SELECT 'function ' || pg_get_functiondef(p.oid)
    FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace
   WHERE p.prokind IN ('f', 'p')
     AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
  UNION ALL
  SELECT concat_ws(' ', 'type', t.typtype, t.oid::regtype, format_type(t.typbasetype, t.typtypmod),
                   (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder)
                      FROM pg_enum e WHERE e.enumtypid = t.oid))
    FROM pg_type t JOIN ours ON ours.oid = t.typnamespace WHERE t.typtype IN ('e', 'd', 'r')
  UNION ALL
  SELECT concat_ws(' ', 'sequence', s.seqrelid::regclass, s.seqtypid::regtype, s.seqstart, s.seqincrement)
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN ours ON ours.oid = c.relnamespace`;

/** The table in which TypeORM keeps which migrations it has applied: no migration makes it. */
const BOOKKEEPING = /\bmigrations(_id_seq)?\b/;

/** The schema of a database, in lines that can be compared. Empty for a database without any. */
export async function schemaSnapshot(url: string): Promise<string[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    // Names are shown with their schema, whatever the search path.
    await client.query(`SET search_path = ''`);
    const { rows } = await client.query<{ line: string }>(SNAPSHOT);
    return rows
      .map(({ line }) => line)
      .filter((line) => !BOOKKEEPING.test(line))
      .sort();
  } finally {
    await client.end();
  }
}
