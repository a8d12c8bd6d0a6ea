DROP FUNCTION book_provider_calls(
  text, uuid, integer, integer[], integer, bigint[], text[], bigint[], integer, double precision, double precision, double precision,
  double precision[], integer[], double precision[], double precision[], double precision
);
DROP FUNCTION tell_provider_limit(text, bigint, text, bigint, bigint, double precision, double precision);
DROP TABLE provider_told_limits;

-- Books calls of one provider account: a time to leave within all limits, and a place each, or nothing. One round trip.
-- Why no window of the full length ever sees more than the limit: of the calls that leave in it, take the one booked last.
-- It leaves at leave_from_ms or later; every other leaves less than a window before or after it and was therefore counted.
CREATE FUNCTION book_provider_calls(
  p_account text,
  -- The process, and the places that its calls hold now.
  p_holder uuid, p_held integer,
  -- Records of each waiting call, in order; the first p_placed hold a place already.
  p_records integer[], p_placed integer,
  p_window_ms bigint[], p_units text[], p_amounts bigint[], p_concurrent integer,
  -- How far ahead a call is booked, how late it may leave, and when a place of a process that says nothing is free again.
  p_lead_ms double precision, p_slack_ms double precision, p_place_ms double precision,
  -- Earlier bookings of this process, by leave_from_ms, that no call has used and none will.
  p_unused_from_ms double precision[], p_unused_records integer[],
  -- Calls that went out later than they should have, and when at the latest: connecting took its time.
  p_late_from_ms double precision[], p_late_until_ms double precision[],
  -- Tests only: the time, instead of the clock's.
  p_clock_ms double precision DEFAULT NULL,
  OUT clock_ms double precision, OUT granted integer,
  OUT leave_from_ms double precision, OUT leave_until_ms double precision,
  -- What the first call that was not booked waits for: limit, places, breaker; and how long at least.
  OUT waits_for text, OUT wait_ms double precision,
  OUT breaker_kind text, OUT breaker_reason text
) LANGUAGE plpgsql AS $$
DECLARE
  moment timestamptz;
  breaker provider_breakers;
  own provider_slots;
  taken integer;
  before_us integer;
  callable integer := cardinality(p_records);
  bucket provider_limits;
  sums bigint[];
  room bigint;
  even bigint;
  need integer;
BEGIN
  PERFORM 1 FROM provider_accounts WHERE account = p_account FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO provider_accounts VALUES (p_account) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM provider_accounts WHERE account = p_account FOR UPDATE;
  END IF;
  -- Read after the lock, as are all rows below: bookings of one account follow one another in time.
  clock_ms := coalesce(p_clock_ms, extract(epoch FROM clock_timestamp()) * 1000);
  moment := to_timestamp(clock_ms / 1000);
  granted := 0;
  IF cardinality(p_unused_from_ms) + cardinality(p_late_from_ms) > 0 THEN
    FOR i IN 1 .. cardinality(p_window_ms) LOOP
      PERFORM correct_provider_limit(p_account, p_window_ms[i], p_units[i], p_unused_from_ms, p_unused_records,
        p_late_from_ms, p_late_until_ms);
    END LOOP;
  END IF;

  SELECT * INTO breaker FROM provider_breakers WHERE account = p_account;
  IF breaker.open_until > moment THEN
    callable := 0;
    waits_for := 'breaker';
    wait_ms := extract(epoch FROM breaker.open_until - moment) * 1000;
  ELSIF breaker.kind <> 'rate' THEN
    callable := least(callable, 1);
    IF breaker.probe_until > moment AND NOT (breaker.probe_holder = p_holder AND p_placed > 0) THEN
      callable := 0;
      waits_for := 'breaker';
      wait_ms := extract(epoch FROM breaker.probe_until - moment) * 1000;
    END IF;
  END IF;
  breaker_kind := breaker.kind;
  breaker_reason := breaker.reason;

  DELETE FROM provider_slots WHERE account = p_account AND holder <> p_holder AND expires_at <= moment;
  SELECT * INTO own FROM provider_slots WHERE account = p_account AND holder = p_holder;
  SELECT coalesce(sum(places), 0),
         count(*) FILTER (WHERE wanted_until > moment AND wanted_since < coalesce(own.wanted_since, moment))
    INTO taken, before_us
    FROM provider_slots WHERE account = p_account AND holder <> p_holder;
  IF callable > 0 THEN
    IF taken + p_held > p_concurrent THEN
      callable := 0;
    ELSE
      -- One free place is left to each process that has waited longer, else who is quickest keeps them all.
      callable := least(callable, p_placed + greatest(0, p_concurrent - taken - p_held - before_us));
    END IF;
    IF callable = 0 THEN waits_for := 'places'; wait_ms := 25; END IF;
  END IF;

  IF callable > 0 THEN
    leave_from_ms := clock_ms;
    sums := ARRAY(SELECT sum(r) OVER (ORDER BY n) FROM unnest(p_records) WITH ORDINALITY AS t(r, n));
    FOR i IN 1 .. cardinality(p_window_ms) LOOP
      SELECT * INTO bucket FROM provider_limits
        WHERE account = p_account AND window_ms = p_window_ms[i] AND unit = p_units[i];
      need := CASE p_units[i] WHEN 'calls' THEN 1 ELSE p_records[1] END;
      leave_from_ms := greatest(leave_from_ms, provider_limit_opens_at(clock_ms, p_window_ms[i], p_amounts[i], need,
        coalesce(bucket.ends_ms, '{}'), coalesce(bucket.used, '{}')));
      -- Never before an earlier booking: so the bucket of a booking is the last that began no later.
      leave_from_ms := greatest(leave_from_ms, bucket.begins_ms[cardinality(bucket.begins_ms)]);
      -- Two hundred that leave in one moment make each other late, in our processes and at the provider.
      even := provider_limit_even_share(p_window_ms[i], p_amounts[i], need);
      IF leave_from_ms < bucket.begins_ms[cardinality(bucket.begins_ms)] + p_window_ms[i] / 50.0
         AND bucket.used[cardinality(bucket.used)] + need > even THEN
        leave_from_ms := bucket.begins_ms[cardinality(bucket.begins_ms)] + p_window_ms[i] / 50.0;
      END IF;
    END LOOP;
    IF leave_from_ms > clock_ms + p_lead_ms THEN
      callable := 0;
      waits_for := 'limit';
      wait_ms := leave_from_ms - clock_ms;
    END IF;
  END IF;

  IF callable > 0 THEN
    granted := callable;
    FOR i IN 1 .. cardinality(p_window_ms) LOOP
      SELECT * INTO bucket FROM provider_limits
        WHERE account = p_account AND window_ms = p_window_ms[i] AND unit = p_units[i];
      room := p_amounts[i] - provider_limit_used(leave_from_ms, p_window_ms[i], coalesce(bucket.ends_ms, '{}'), coalesce(bucket.used, '{}'));
      even := provider_limit_even_share(p_window_ms[i], p_amounts[i], CASE p_units[i] WHEN 'calls' THEN 1 ELSE p_records[1] END);
      IF leave_from_ms < bucket.begins_ms[cardinality(bucket.begins_ms)] + p_window_ms[i] / 50.0 THEN
        even := even - bucket.used[cardinality(bucket.used)];
      END IF;
      room := least(room, even);
      IF p_units[i] = 'calls' THEN
        granted := least(granted, room);
      ELSE
        WHILE sums[granted] > room LOOP granted := granted - 1; END LOOP;
      END IF;
    END LOOP;
    -- A call that may be booked at once has the lead to get ready.
    leave_until_ms := greatest(leave_from_ms, clock_ms + p_lead_ms) + p_slack_ms;
    FOR i IN 1 .. cardinality(p_window_ms) LOOP
      PERFORM add_to_provider_limit(p_account, p_window_ms[i], p_units[i], clock_ms, leave_from_ms, leave_until_ms,
        CASE p_units[i] WHEN 'calls' THEN granted ELSE sums[granted]::integer END);
    END LOOP;
    IF granted < cardinality(p_records) AND callable < cardinality(p_records) AND granted = callable THEN
      waits_for := 'places';
      wait_ms := 25;
    END IF;
    IF breaker.kind <> 'rate' THEN
      UPDATE provider_breakers SET probe_until = moment + make_interval(secs => p_place_ms / 1000), probe_holder = p_holder
        WHERE account = p_account;
    END IF;
  END IF;

  IF p_held + granted = 0 AND waits_for IS DISTINCT FROM 'places' THEN
    DELETE FROM provider_slots WHERE account = p_account AND holder = p_holder;
  ELSE
    INSERT INTO provider_slots (account, holder, places, expires_at, wanted_since, wanted_until)
      VALUES (p_account, p_holder, p_held + granted - least(granted, p_placed),
        moment + make_interval(secs => p_place_ms / 1000),
        -- Whoever got something goes to the end of the line.
        CASE WHEN waits_for = 'places' THEN CASE WHEN granted > 0 THEN moment ELSE coalesce(own.wanted_since, moment) END END,
        CASE WHEN waits_for = 'places' THEN moment + interval '250 ms' END)
      ON CONFLICT (account, holder) DO UPDATE SET places = excluded.places, expires_at = excluded.expires_at,
        wanted_since = excluded.wanted_since, wanted_until = excluded.wanted_until;
  END IF;
END $$;

-- Counts calls that may leave from p_from to p_until, and forgets buckets that count no more.
CREATE OR REPLACE FUNCTION add_to_provider_limit(
  p_account text, p_window_ms bigint, p_unit text, p_clock double precision, p_from double precision,
  p_until double precision, p_count integer
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  l provider_limits;
  gone integer := 0;
  n integer;
BEGIN
  SELECT * INTO l FROM provider_limits WHERE account = p_account AND window_ms = p_window_ms AND unit = p_unit;
  IF NOT FOUND THEN
    INSERT INTO provider_limits VALUES (p_account, p_window_ms, p_unit, ARRAY[p_from], ARRAY[p_until], ARRAY[p_count]);
    RETURN;
  END IF;
  n := cardinality(l.ends_ms);
  WHILE gone < n AND l.ends_ms[gone + 1] + p_window_ms <= p_clock LOOP gone := gone + 1; END LOOP;
  -- Joining is always exact, only less sharp: so the 80th bucket may take in what it likes.
  IF gone < n AND (p_from < l.begins_ms[n] + p_window_ms / 50.0 OR n - gone >= 80) THEN
    l.ends_ms[n] := greatest(l.ends_ms[n], p_until);
    l.used[n] := l.used[n] + p_count;
  ELSE
    n := n + 1;
    l.begins_ms[n] := p_from;
    l.ends_ms[n] := p_until;
    l.used[n] := p_count;
  END IF;
  UPDATE provider_limits SET begins_ms = l.begins_ms[gone + 1 : n], ends_ms = l.ends_ms[gone + 1 : n], used = l.used[gone + 1 : n]
    WHERE account = p_account AND window_ms = p_window_ms AND unit = p_unit;
END $$;

DROP FUNCTION provider_limit_grace(bigint);
