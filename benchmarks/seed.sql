-- Tasks for the users :first to :last, :tasks for each, as the service itself would have written them.
--
-- Everything follows from the numbers of the user (u) and of the task (k), so that a load generator can name
-- a task without looking it up. Rows are written in the order of time, users in turns, as in real life: the
-- newest 50 tasks of one user lie on some 50 pages.
INSERT INTO users (id, created_at)
SELECT bench_user(u), '2024-01-01Z' FROM generate_series(:first, :last) AS u;

INSERT INTO tasks (owner_id, id, title, description, completed_at, priority, tags, tag_keys, due_at,
        created_at, updated_at, revision, search, signature)
SELECT bench_user(u), bench_task(u, k), title, description, CASE WHEN bench_is_completed(u, k) THEN made END,
    (ARRAY[0, 1, 3, 5, 9])[1 + (h2 >> 7) % 5], tags, tags,
    CASE WHEN h2 % 3 > 0 THEN made + make_interval(hours => h3 % 720) END, made, made, k + 1,
    lower(title) || E'\n' || lower(description), signature
FROM generate_series(0, :tasks - 1) AS k, generate_series(:first, :last) AS u,
    LATERAL (SELECT abs(hashint8(u * 50021::bigint + k) / 2) AS h1, abs(hashint8(u * 50021::bigint + k + 77777) / 2) AS h2,
        abs(hashint8(-5 - u * 50021::bigint - k) / 2) AS h3) AS h,
    LATERAL (SELECT 1 + h1 % 10 AS verb, 1 + h2 % 10 AS thing, 1 + (h1 >> 9) % 11 AS person,
        1 + (h2 >> 9) % 7 AS note) AS chosen,
    LATERAL (SELECT bench_made(u, k) AS made,
        (bench_verbs())[verb] || ' ' || (bench_things())[thing] || ' for ' || (bench_people())[person] AS title,
        'Notes: ' || repeat((bench_notes())[note] || ' ', 1 + h3 % 6) || 'before noon' AS description,
        (bench_signatures(bench_verbs(), '', ' '))[verb] | (bench_signatures(bench_things(), ' ', ' for '))[thing]
            | (bench_signatures(bench_people(), ' ', E'\nNotes: '))[person]
            | (bench_signatures(bench_notes(), ' ', ' '))[note] | bench_signature(' before noon') AS signature,
        CASE (h3 >> 7) % 6
            WHEN 0 THEN ARRAY['work'] WHEN 1 THEN ARRAY['home'] WHEN 2 THEN ARRAY['work', 'urgent']
            WHEN 3 THEN ARRAY['errand', 'home'] WHEN 4 THEN ARRAY['project-' || h1 % 20, 'work'] ELSE '{}'
        END AS tags) AS texts
ORDER BY k, u;
