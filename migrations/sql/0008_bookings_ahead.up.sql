-- Books calls of one provider account as book_provider_calls does, which decides about each of them, and goes on where the limit is
-- used up: one round trip books all that leaves in the next p_spread_ms, at one time after another. Exact for the same reason.
CREATE FUNCTION book_provider_departures(
  p_account text, p_holder uuid, p_held integer, p_records integer[], p_placed integer,
  p_window_ms bigint[], p_units text[], p_amounts bigint[], p_concurrent integer,
  p_lead_ms double precision, p_slack_ms double precision, p_place_ms double precision,
  p_unused_from_ms double precision[], p_unused_records integer[],
  p_late_from_ms double precision[], p_late_until_ms double precision[],
  -- How far ahead the last of them may leave, at least the lead, and how long after the first. 0: all leave at one time.
  p_ahead_ms double precision, p_spread_ms double precision,
  -- No call leaves before this process has committed something else durably: so this commit need not wait for the disk.
  p_is_deferred boolean,
  p_clock_ms double precision DEFAULT NULL,
  OUT clock_ms double precision, OUT granted integer,
  -- By time to leave: how many calls, from when, until when.
  OUT calls integer[], OUT leave_from_ms double precision[], OUT leave_until_ms double precision[],
  OUT waits_for text, OUT wait_ms double precision,
  OUT breaker_kind text, OUT breaker_reason text, OUT records_at_most bigint
) LANGUAGE plpgsql AS $$
DECLARE
  booked record;
  -- What book_provider_calls takes for the present: ahead of it by as much as a call that leaves later has more time to get ready.
  seen_ms double precision := p_clock_ms;
  latest_ms double precision;
  next_ms double precision;
BEGIN
  IF p_is_deferred THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
  granted := 0;
  LOOP
    booked := book_provider_calls(p_account, p_holder, p_held + granted - least(granted, p_placed), p_records[granted + 1 :],
      greatest(0, p_placed - granted), p_window_ms, p_units, p_amounts, p_concurrent, p_lead_ms, p_slack_ms, p_place_ms,
      p_unused_from_ms, p_unused_records, p_late_from_ms, p_late_until_ms, seen_ms);
    IF clock_ms IS NULL THEN
      clock_ms := booked.clock_ms;
      seen_ms := clock_ms;
      latest_ms := clock_ms + p_ahead_ms;
      breaker_kind := booked.breaker_kind;
      breaker_reason := booked.breaker_reason;
      records_at_most := booked.records_at_most;
      p_unused_from_ms := '{}';
      p_late_from_ms := '{}';
    END IF;
    waits_for := booked.waits_for;
    wait_ms := booked.wait_ms + seen_ms - clock_ms;
    IF booked.granted > 0 THEN
      granted := granted + booked.granted;
      calls := calls || booked.granted;
      leave_from_ms := leave_from_ms || booked.leave_from_ms;
      leave_until_ms := leave_until_ms || booked.leave_until_ms;
      latest_ms := least(latest_ms, leave_from_ms[1] + p_spread_ms);
      EXIT WHEN granted = cardinality(p_records) OR waits_for IS NOT NULL OR breaker_kind IS NOT NULL
        OR booked.leave_from_ms >= latest_ms;
    ELSE
      EXIT WHEN waits_for IS DISTINCT FROM 'limit' OR clock_ms + wait_ms > latest_ms;
      -- A hundredth more, since the sum of such large numbers is rounded; and never the same moment twice.
      next_ms := clock_ms + wait_ms - p_lead_ms + 0.01;
      EXIT WHEN next_ms <= seen_ms;
      seen_ms := next_ms;
    END IF;
  END LOOP;
END $$;

-- What one bucket of a window takes: of windows up to two seconds a quarter more than its share, so that calls come evenly and a
-- pause is made up for; of small amounts 10, of longer windows all, since a daily limit must not drip. One call always fits.
-- (Three times its share made of 200 calls a second 600 in the first third of every second.)
CREATE OR REPLACE FUNCTION provider_limit_even_share(p_window_ms bigint, p_amount bigint, p_need bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_window_ms > 2000 THEN p_amount
              ELSE greatest(p_need, CASE WHEN p_amount < 200 THEN 10 ELSE ceil(p_amount / 40.0)::bigint END) END
$$;
