-- Edges that pass inside a group that stands, the group left out of what chance expects.
alter table edge add column grouped integer not null default 0;
