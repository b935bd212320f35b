-- A database that already holds much, written set by set: what `propriety` would have after so many entries.
-- Parameters: entries, days and the first of them, subjects (0: everybody), the log and its size before.
--
-- Numbers that look random and are the same every time are hashes of the entry's number and of what is asked.

CREATE TEMP TABLE stock ON COMMIT DROP AS
SELECT i, hosted, part, people, day,
       'ent_' || lpad(to_hex(sequence / 1000), 12, '0') || lpad(to_hex(i), 20, '0') AS id, sequence,
       to_timestamp(sequence / 1000000.0) AS moment, CASE WHEN hosted THEN 'meal' ELSE 'gift' END AS kind,
       'giver ' || 1 + (hashint8extended(i, 9) & 2147483647) % 200 AS giver,
       part * (cardinality(people) + hosted::int) AS total
  FROM (SELECT i, day, (extract(epoch FROM day) + 43200)::bigint * 1000000 + i AS sequence, 
CAST(:subjects AS bigint) = 0 AND (hashint8extended(i, 1) & 2147483647) % 100 >= 60 AS hosted,
CASE WHEN CAST(:subjects AS bigint) > 0 THEN 1
     WHEN (hashint8extended(i, 2) & 2147483647) % 30 = 0 THEN 12000 + (hashint8extended(i, 3) & 2147483647) % 900
     ELSE 100 + (hashint8extended(i, 3) & 2147483647) % 900 END AS part,
CASE WHEN CAST(:subjects AS bigint) > 0
     THEN ARRAY['rec_' || lpad(to_hex(i % NULLIF(CAST(:subjects AS bigint), 0)), 32, '0')]
     ELSE ARRAY(SELECT 'rec_' || lpad(to_hex((k * 20000 + (hashint8extended(i, 10 + k) & 2147483647) % 20000
                         + (hashint8extended(i, 5) & 2147483647)) % 100000), 32, '0')
                  FROM generate_series(0, (hashint8extended(i, 4) & 2147483647) % 5) AS k) END AS people
          FROM (SELECT i::bigint, CAST(:first AS date) + (i * CAST(:days AS int) / :entries)::int AS day
                  FROM generate_series(0::bigint, :entries - 1) AS i) AS placed) AS drawn;

CREATE INDEX ON stock (id);

ANALYZE stock;

INSERT INTO entries (id, version, sequence, occurred_on, kind, direction, giver, total_minor, currency, standing,
                     submitted_by, recorded_at)
SELECT id, 1, sequence, day, kind, 'given', giver, total, 'USD', 'live', 'wrk', moment FROM stock ORDER BY i;

CREATE TEMP TABLE stock_shares ON COMMIT DROP AS
SELECT s.i, place - 1 AS place, person, r.employer_id, r.type
  FROM stock s, unnest(s.people) WITH ORDINALITY AS listed (person, place) JOIN recipients r ON r.id = person;

ANALYZE stock_shares;

INSERT INTO entry_versions (entry_id, version, document, action, reason, recorded_by, recorded_at, known_from)
SELECT s.id, 1, 
'{"currency":"USD","direction":"given","exponent":2,"facts":{},"flags":[],"giver":"' || s.giver
|| '","giver_type":"associated_person","hosts":null,"hosts_present":' || CASE WHEN hosted THEN 'true' ELSE 'null' END
|| ',"hosts_share":0,"kind":"' || s.kind || '","occurred_on":"' || s.day || '","paid_by":"firm","preapproved_on":null,'
|| '"purpose":"quarterly review number ' || s.i || '","recipients":[' || listed || '],"repaid":0,"standing":"live",'
|| '"total":' || s.total || ',"value":{},"venue":""}', 'entry.recorded', '', 'wrk', s.moment, s.sequence
  FROM stock s JOIN (
    SELECT i, string_agg('{"employer_from_record":true,"employer_id":"' || employer_id || '","recipient_id":"' || person
               || '","type":"' || type || '","type_from_record":true}', ',' ORDER BY place) AS listed
      FROM stock_shares GROUP BY i) AS lists USING (i) ORDER BY i;

INSERT INTO shares (entry_id, entry_version, position, recipient_id, client_id, employer_id, amount_minor, currency)
SELECT s.id, 1, place, person, person, employer_id, s.part, 'USD' FROM stock_shares JOIN stock s USING (i)
 ORDER BY i, place;

CREATE TEMP TABLE stock_results ON COMMIT DROP AS
SELECT *, CASE WHEN exclusion IS NOT NULL THEN 'excluded'
               WHEN counted > 0 AND (aggregate > limit_value OR (at_limit AND aggregate = limit_value)) THEN 'violation'
               WHEN counted > 0 AND aggregate >= warn_value THEN 'warning' ELSE 'within' END AS outcome
  FROM (SELECT *, CASE
            WHEN NOT adds_up THEN counted
            WHEN period_end = day THEN sum(counted) OVER (PARTITION BY person, rule_id ORDER BY day, sequence)
              - COALESCE(sum(counted) OVER (PARTITION BY person, rule_id ORDER BY day
                                            RANGE BETWEEN UNBOUNDED PRECEDING AND '1 year' PRECEDING), 0)
            ELSE sum(counted) OVER (PARTITION BY person, rule_id, period_start ORDER BY day, sequence) END AS aggregate
          FROM (SELECT s.i, s.id, s.sequence, s.day, s.moment, s.giver, s.kind, person, employer_id, h.type, rule_id, policy_id, counts_events,
                       severity, exclusion, adds_up, period_start, period_end, limit_value, warn_value, at_limit,
                       CASE WHEN exclusion IS NOT NULL THEN 0 WHEN counts_events THEN 1 ELSE s.part END AS counted
                  FROM stock_shares h JOIN stock s USING (i)
                  JOIN stock_rules rule ON rule.day = s.day AND rule.type = h.type AND rule.kind = s.kind) AS lines
       ) AS added;

INSERT INTO assessments (entry_id, rule_id, shown, known_from, subject, policy_id, occurred_on, sequence, counted,
                         aggregate, limit_value, outcome, exclusion, forbidden, period_start, period_end)
SELECT id, rule_id, person, sequence, person, policy_id, day, sequence, counted, aggregate, limit_value, outcome,
       exclusion, 0, period_start, period_end FROM stock_results ORDER BY i;

INSERT INTO violations (id, version, state, entry_id, rule_id, shown, subject, policy_id, severity, occurred_on, giver,
                        submitted_by, direction, kind, employer_id, counted, aggregate, limit_value, over_by,
                        opened_at, changed_at, opened_on, due_on, unit, over_scaled, of_limit, severity_rank,
                        recipient_type, source, days_late)
SELECT 'vio' || substr(id, 4, 13) || lpad(to_hex(row_number() OVER (ORDER BY i, rule_id, person)), 20, '0'), 1, 'open', id,
       rule_id, person, person, policy_id, severity, day, giver, 'wrk', 'given', kind, employer_id, counted, aggregate,
       limit_value, aggregate - limit_value, moment, moment, day, day + 7, CASE WHEN counts_events THEN 'count' ELSE 'USD' END,
       (aggregate - limit_value) * CASE WHEN counts_events THEN 10000 ELSE 100 END,
       (2000 * aggregate + limit_value) / NULLIF(2 * limit_value, 0),
       array_position(ARRAY['critical', 'high', 'medium', 'low'], severity) - 1, type, 'api', 0
  FROM stock_results WHERE outcome = 'violation';

INSERT INTO violation_versions (violation_id, version, known_from, document)
SELECT v.id, 1, s.sequence, row_to_json(v)::text FROM violations v JOIN stock s ON s.id = v.entry_id;

UPDATE recipients r SET touched_sequence = last.sequence
  FROM (SELECT person, max(sequence) AS sequence FROM stock_shares JOIN stock USING (i) GROUP BY person) AS last
 WHERE r.id = last.person;

INSERT INTO idempotency_keys (principal, route, key, fingerprint, status, body, created_at)
SELECT COALESCE((SELECT id FROM api_keys WHERE name = 'wrk'), 'key_of_nobody'), 'POST /v1/entries', 'stock-' || md5(i::text), md5(i::text), 201,
       '{}', moment FROM stock ORDER BY i;

INSERT INTO audit_records (log_id, position, entity_id, entity_version, action, actor, at, body, leaf)
SELECT :log, position, id, 1, action, 'wrk', moment, body, encode(sha256('\x00'::bytea || convert_to(body, 'UTF8')), 'hex')
  FROM (SELECT *, '{"action":"' || action || '","actor":"wrk","at":"'
                    || to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","door":"api","entity":"'
                    || id || '","facts":{},"position":' || position || ',"reason":"","version":1}' AS body
          FROM (SELECT *, :size - 1 + row_number() OVER (ORDER BY i, action, id) AS position
                  FROM (SELECT i, id, moment, 'entry.recorded' AS action FROM stock
                         UNION ALL
                        SELECT s.i, v.id, s.moment, 'violation.opened' FROM violations v JOIN stock s ON s.id = v.entry_id
                       ) AS happened) AS placed) AS written ORDER BY position;
