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
