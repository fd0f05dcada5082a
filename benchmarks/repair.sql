-- Undo what a load did, and what only the service does: added tasks go, completed ones are open again, changed texts
-- are signed, and each account has the numbers that its tasks say.
DELETE FROM tasks WHERE created_at >= '2026-01-01Z';
UPDATE tasks SET completed_at = NULL WHERE completed_at >= '2026-01-01Z';
UPDATE tasks SET signature = bench_signature(search) WHERE signature = repeat('1', 256)::bit(256);
UPDATE users SET revision = greatest(users.revision, counted.revision), open_tasks = counted.opened,
    completed_tasks = counted.done
FROM (SELECT owner_id, max(revision) AS revision, count(*) FILTER (WHERE completed_at IS NULL) AS opened,
        count(completed_at) AS done FROM tasks WHERE deleted_at IS NULL GROUP BY owner_id) AS counted
WHERE users.id = counted.owner_id AND (users.open_tasks, users.completed_tasks) IS DISTINCT FROM (opened, done)
    OR users.id = counted.owner_id AND users.revision < counted.revision;
