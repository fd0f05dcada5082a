-- Spread the tables of a migrated database over the nodes of a Citus cluster, each user's rows on one of them:
--
--     psql --set=ON_ERROR_STOP=1 --single-transaction --file=deploy/citus.sql "$TODO_DATABASE_URL"
--
-- Read docs/scaling.md first: it says what the service still needs before it can run on this, and what has been
-- tried (this file against the tables, every statement against the rules) and what has not (Citus itself).

-- Unique over all users, which no node can see alone.
ALTER TABLE users DROP CONSTRAINT users_email_key;
ALTER TABLE sessions DROP CONSTRAINT sessions_id_key;
-- Without uniqueness, at least found fast.
CREATE INDEX users_email_idx ON users (email);
CREATE INDEX sessions_id_idx ON sessions (id);

-- A table that is on every node may not refer to one that is spread.
ALTER TABLE identities DROP CONSTRAINT identities_user_id_fkey;

SELECT create_distributed_table('users', 'id', colocate_with => 'none');
SELECT create_distributed_table('tasks', 'owner_id', colocate_with => 'users');
SELECT create_distributed_table('receipts', 'owner_id', colocate_with => 'users');
SELECT create_distributed_table('sessions', 'user_id', colocate_with => 'users');

-- Small, written once for each person, and looked up before it is known whose request it is.
SELECT create_reference_table('identities');

-- Stay where they are, on the coordinator: rate_limits (Redis does it better: TODO_RATE_LIMIT_STORAGE) and
-- alembic_version.
