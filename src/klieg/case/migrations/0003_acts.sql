-- Acts without text beside the posts: rows of the .klieg.acts.parquet, which exists where a run had
-- any. `act` is a row of it; a case without acts has no hash of it.
alter table run add column acts integer not null default 0;
alter table run add column acts_sha256 text not null default '';
alter table member add column acts integer not null default 0;

create table finding_act (
  finding text not null, act integer not null, primary key (finding, act)
) without rowid;

create table act_highlight (
  position integer primary key, act integer not null, finding text not null,
  signal text not null, object text not null, counterparts text not null,
  partners integer not null, expected real, reason text not null
);
