-- The first schema of a case. Times are integer microseconds since 1970 UTC, windows are seconds,
-- posts and accounts are indices: `post` is a row of the .klieg.parquet beside the case, `account`
-- a row of `account`. JSON columns hold what no query needs to filter by.

create table run (
  version text not null, seed integer not null, engine text not null, embedder text not null,
  llm text not null, config text not null, signals text not null, command text not null,
  notes text not null, posts integer not null, resolution integer not null,
  posts_sha256 text not null, rows_read integer not null, posts_kept integer not null,
  counts text not null, rejected text not null, intake_notes text not null
);

create table input (position integer primary key, path text, detail text not null);

create table account (account integer primary key, platform text not null, account_id text not null);

create table layer (
  layer integer primary key, signal text not null unique, actions integer not null,
  objects integer not null, targets integer not null, accounts integer not null,
  edges integer not null, windows integer not null, acts text not null,
  strata text not null, parent_strata text not null
);

-- One row a pair kept, at its best window: what a query wants to see.
create table edge (
  layer integer not null, "left" integer not null, "right" integer not null,
  n integer not null, expected real, "window" integer not null, p real, q real,
  validated integer not null,
  primary key (layer, "left", "right")
) without rowid;

-- Whole arrays as Arrow IPC streams (zstd), in parts: every edge at every window, the pool of every
-- object, and what the columns of the parquet cannot say of a layer's actions: `layer.acts` is
-- "columns" (they say it all), "numbered" (two objects share a name: their numbers stand here) or
-- "whole" (all stands here).
create table block (
  layer integer not null, what text not null, part integer not null, data blob not null,
  primary key (layer, what, part)
);

create table finding (
  position integer primary key, id text not null unique, "class" text not null,
  subclass text not null, band text not null, start integer not null, "end" integer not null,
  "window" integer not null, observed integer not null, expected real, q real, net real, rho real,
  sentence text not null, detail text not null
);

create table member (
  finding text not null, position integer not null, account integer not null, evidence real,
  posts integer not null,
  primary key (finding, position)
) without rowid;
create index member_account on member (account);

create table finding_post (
  finding text not null, post integer not null, primary key (finding, post)
) without rowid;
create index finding_post_post on finding_post (post);

create table highlight (
  position integer primary key, post integer not null, finding text not null,
  signal text not null, object text not null, counterparts text not null,
  partners integer not null, expected real, start integer not null, "end" integer not null,
  reason text not null
);
create index highlight_post on highlight (post);

-- finding is null for the whole data set.
create table impact (
  position integer primary key, finding text, metric text not null, subject text not null,
  with_group real, without real, coalesced real, low real, high real, note text not null
);

create table null_stat (
  layer integer primary key, signal text not null, actions integer not null,
  objects integer not null, eligible integer not null, pairs integer not null,
  candidates integer not null, validated integer not null, weak integer not null,
  expected_false real, threshold real, detail text not null
);

create table power (
  position integer primary key, signal text not null, accounts integer not null,
  joint_acts integer not null, jitter integer not null, power real
);

create table decision (
  decision integer primary key, finding text not null, at integer not null,
  reviewer text not null, state text not null, comment text not null
);

create table audit (
  entry integer primary key, at integer not null, actor text not null, action text not null,
  detail text not null, previous text not null, hash text not null
);
create trigger audit_is_not_edited before update on audit
begin select raise(abort, 'the audit log is append-only'); end;
create trigger audit_is_not_shortened before delete on audit
begin select raise(abort, 'the audit log is append-only'); end;

create table cache (key text primary key, value blob not null) without rowid;
