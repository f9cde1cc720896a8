-- How likely each account is one of its group, if the group is one; null where no number was put to
-- it. What else a finding survives (controls, re-tests, dealt delays, posterior) is in its detail.
alter table member add column probability real;
