-- The ids and times of seeded users and tasks. `benchmarks/data.py` computes the same ids.
CREATE OR REPLACE FUNCTION bench_user(u int) RETURNS text IMMUTABLE LANGUAGE sql
RETURN '00000000-0000-4000-8000-' || lpad(to_hex(u), 12, '0');

-- two years of tasks, whoever's they are, however many there are: all over before 2026
CREATE OR REPLACE FUNCTION bench_milliseconds(u int, k int) RETURNS bigint IMMUTABLE LANGUAGE sql
RETURN 1704067200000 + k::bigint * (CASE WHEN u = 999999 THEN 1260000 ELSE 126000000 END) + u % 10000 * 6000;

CREATE OR REPLACE FUNCTION bench_made(u int, k int) RETURNS timestamptz IMMUTABLE LANGUAGE sql
RETURN to_timestamp(bench_milliseconds(u, k) / 1000.0);

CREATE OR REPLACE FUNCTION bench_task(u int, k int) RETURNS uuid IMMUTABLE LANGUAGE sql
RETURN (lpad(to_hex(bench_milliseconds(u, k)), 12, '0') || '70008000'
    || lpad(to_hex(u), 6, '0') || lpad(to_hex(k), 6, '0'))::uuid;

CREATE OR REPLACE FUNCTION bench_is_completed(u int, k int) RETURNS boolean IMMUTABLE LANGUAGE sql
RETURN (u + k * 7) % 10 < 6;

-- What texts are made of.
CREATE OR REPLACE FUNCTION bench_verbs() RETURNS text[] IMMUTABLE LANGUAGE sql
RETURN ARRAY['Buy', 'Write', 'Review', 'Call', 'Plan', 'Fix', 'Draft', 'Send', 'Book', 'Clean'];

CREATE OR REPLACE FUNCTION bench_things() RETURNS text[] IMMUTABLE LANGUAGE sql
RETURN ARRAY['milk', 'report', 'invoice', 'garden', 'quarterly budget', 'login page', 'holiday flight', 'tax form',
    'team meeting', 'database backup'];

CREATE OR REPLACE FUNCTION bench_people() RETURNS text[] IMMUTABLE LANGUAGE sql
RETURN ARRAY['Ada', 'Grace', 'Barbara', 'Edsger', 'Donald', 'Frances', 'Alan', 'Katherine', 'Niklaus', 'Margaret',
    'Tony'];

CREATE OR REPLACE FUNCTION bench_notes() RETURNS text[] IMMUTABLE LANGUAGE sql
RETURN ARRAY['ask Alice for the latest figures', 'the blue folder is in the office',
    'wait until Bob has seen the offer',
    'compare three shops on Monday', 'take the train at half past two', 'the key is under the third stone',
    'bring two litres and some bread'];

-- The signature that the service gives to a text: each two bytes set one bit, the first one xor the second one turned.
CREATE OR REPLACE FUNCTION bench_signature(piece text) RETURNS bit(256) IMMUTABLE LANGUAGE sql AS $$
    SELECT bit_or(set_bit(repeat('0', 256)::bit(256), 255 - (first # ((second << 3 & 255) | (second >> 5))), 1))
    FROM generate_series(0, length(piece) - 2) AS n,
        LATERAL (SELECT ascii(substr(piece, n + 1, 1)) AS first, ascii(substr(piece, n + 2, 1)) AS second) AS pair
$$;

-- Those of several pieces of ASCII text, each between what stands around it.
CREATE OR REPLACE FUNCTION bench_signatures(pieces text[], before text, after text) RETURNS bit(256)[] IMMUTABLE
LANGUAGE sql AS $$
    SELECT array_agg(bench_signature(lower(before || piece || after)) ORDER BY number)
    FROM unnest(pieces) WITH ORDINALITY AS one (piece, number)
$$;
