-- POST /v1/entries as a program would do it by hand: one transaction, one statement per round trip, on the same tables.
--
-- Tuned: every set of rows is one statement, sums and judgement are made where the totals lie, ids and keys rise as the
-- service's do, all days and limits are worked out beforehand (bench_rules), statements are prepared, and the one lock that
-- everybody needs, the head of the audit log, is taken by the last statement before the commit.
-- Left out, all in its favour: HTTP and JSON (`document`, `answer` and `audit` are the service's own texts, sent as they
-- are), the secret's digest, checks of the draft, entries that come late, merged recipients, the Merkle tree (a chain of
-- hashes stands for it).
\set people random(1, 5)
\set shift random(0, 99999)
\set person1 (random(0, 19999) + :shift) % 100000
\set person2 (random(20000, 39999) + :shift) % 100000
\set person3 (random(40000, 59999) + :shift) % 100000
\set person4 (random(60000, 79999) + :shift) % 100000
\set person5 (random(80000, 99999) + :shift) % 100000
\set part random(2200, 16000)
\set hosted case when random(1, 100) > 60 then 1 else 0 end
\set total :part * (:people + :hosted)
\set giver random(1, 200)
\set random1 random(0, 4294967295)
\set random2 random(0, 4294967295)

BEGIN;

-- Who asks. The lists that a program would put together in its own memory are put together here.
SELECT person,
       CASE :hosted::int WHEN 1 THEN 'meal' ELSE 'gift' END AS kind,
       lpad(to_hex(:random1::bigint), 8, '0') || lpad(to_hex(:random2::bigint), 8, '0') || '-' || :client_id::text AS key,
       (ARRAY['rec_' || lpad(to_hex(:person1::int), 32, '0'), 'rec_' || lpad(to_hex(:person2::int), 32, '0'),
              'rec_' || lpad(to_hex(:person3::int), 32, '0'), 'rec_' || lpad(to_hex(:person4::int), 32, '0'),
              'rec_' || lpad(to_hex(:person5::int), 32, '0')])[1 : :people::int]::text AS ids
  FROM api_keys WHERE id = :api_key \gset

SELECT fingerprint, status, body FROM idempotency_keys
 WHERE principal = :api_key AND route = 'POST /v1/entries' AND key = :key;

SELECT epoch FROM policy_epoch WHERE id = 1 FOR SHARE;

SELECT id, name, type, employer_id, canonical_id, touched_sequence FROM recipients
 WHERE id = ANY (:ids::text[]) ORDER BY id FOR NO KEY UPDATE;

-- The order of record: the clock, read under the locks.
WITH moment AS (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now)
INSERT INTO entries (id, version, sequence, occurred_on, kind, direction, giver, total_minor, currency, standing,
                     submitted_by, recorded_at)
SELECT 'ent_' || lpad(to_hex(now), 14, '0') || lpad(to_hex(:random1::bigint), 8, '0') || '0000000000', 1, now, :day::date,
       :kind, 'given', 'giver ' || :giver::text, :total::bigint, 'USD', 'live', :person, now()
  FROM moment RETURNING id AS entry, sequence \gset

INSERT INTO entry_versions (entry_id, version, document, action, reason, recorded_by, recorded_at, known_from)
VALUES (:entry, 1, :document, 'entry.recorded', '', :person, now(), :sequence::bigint);

INSERT INTO shares (entry_id, entry_version, position, recipient_id, client_id, employer_id, client_employer_id,
                    amount_minor, currency)
SELECT :entry, 1, place - 1, id, id, employer_id, employer_id, :part::bigint, 'USD'
  FROM unnest(:ids::text[]) WITH ORDINALITY AS listed (id, place) JOIN recipients USING (id);

WITH judged AS (
  SELECT r.id, rule.*, counted,
         counted + CASE WHEN adds_up THEN COALESCE((
           SELECT sum(a.counted) FROM assessments a
            WHERE a.subject = r.id AND a.rule_id = rule.rule_id AND a.known_until IS NULL
              AND a.occurred_on >= rule.period_start AND a.occurred_on <= :day::date), 0) ELSE 0 END AS aggregate
    FROM recipients r
    JOIN bench_rules rule ON rule.type = r.type AND rule.kind = :kind
   CROSS JOIN LATERAL (SELECT CASE WHEN exclusion IS NOT NULL THEN 0 WHEN counts_events THEN 1 ELSE :part::bigint END) AS c (counted)
   WHERE r.id = ANY (:ids::text[])
), kept AS (
  INSERT INTO assessments (entry_id, rule_id, shown, known_from, subject, policy_id, occurred_on, sequence, counted,
                           aggregate, limit_value, outcome, exclusion, forbidden, period_start, period_end)
  SELECT :entry, rule_id, id, :sequence::bigint, id, policy_id, :day::date, :sequence::bigint, counted, aggregate, limit_value,
         CASE WHEN exclusion IS NOT NULL THEN 'excluded'
              WHEN aggregate > limit_value OR (at_limit AND aggregate = limit_value) THEN 'violation'
              WHEN aggregate >= warn_value THEN 'warning' ELSE 'within' END,
         exclusion, 0, period_start, period_end
    FROM judged RETURNING outcome)
SELECT count(*) FILTER (WHERE outcome = 'violation') AS over FROM kept \gset

\if :over
INSERT INTO violations (id, version, state, entry_id, rule_id, shown, subject, policy_id, severity, occurred_on, giver,
                        submitted_by, direction, kind, employer_id, counted, aggregate, limit_value, over_by, opened_at, changed_at,
                        opened_on, due_on, unit, over_scaled, of_limit, severity_rank, recipient_type, days_late)
SELECT 'vio' || substr(a.entry_id, 4, 23) || lpad(to_hex(row_number() OVER ()), 10, '0'), 1, 'open', a.entry_id, a.rule_id,
       a.shown, a.subject, a.policy_id, rule.severity, a.occurred_on, 'giver ' || :giver::text, :person, 'given', :kind,
       r.employer_id, a.counted, a.aggregate, a.limit_value, a.aggregate - a.limit_value, now(), now(),
       :day::date, :day::date + 7, 'USD', (a.aggregate - a.limit_value) * 100,
       (2000 * a.aggregate + a.limit_value) / NULLIF(2 * a.limit_value, 0),
       array_position(ARRAY['critical', 'high', 'medium', 'low'], rule.severity) - 1, r.type, 0
  FROM assessments a
  JOIN recipients r ON r.id = a.shown
  JOIN bench_rules rule ON rule.type = r.type AND rule.kind = :kind AND rule.rule_id = a.rule_id
 WHERE a.entry_id = :entry AND a.outcome = 'violation';

INSERT INTO violation_versions (violation_id, version, known_from, document)
SELECT id, 1, :sequence::bigint, :document FROM violations WHERE entry_id = :entry;
\endif

UPDATE recipients SET touched_sequence = :sequence::bigint WHERE id = ANY (:ids::text[]);

INSERT INTO idempotency_keys (principal, route, key, fingerprint, status, body, created_at)
VALUES (:api_key, 'POST /v1/entries', :key, encode(sha256(convert_to(:document, 'UTF8')), 'hex'), 201, :answer, now());

WITH head AS (
  UPDATE audit_heads SET size = size + 1 + :over::int,
         frontier = encode(sha256(convert_to(frontier || :audit, 'UTF8')), 'hex')
   WHERE log_id = 'main' RETURNING size
), happened AS (
  SELECT 0 AS place, :entry AS id, 'entry.recorded' AS action
   UNION ALL
  SELECT row_number() OVER (ORDER BY id), id, 'violation.opened' FROM violations WHERE entry_id = :entry AND :over::int > 0
)
INSERT INTO audit_records (log_id, position, entity_id, entity_version, action, actor, at, body, leaf)
SELECT 'main', size - 1 - :over::int + place, id, 1, action, :api_key, now(), :audit,
       encode(sha256(convert_to(:audit, 'UTF8')), 'hex')
  FROM head, happened;

COMMIT;
