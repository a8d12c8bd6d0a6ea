DROP FUNCTION book_provider_departures(
  text, uuid, integer, integer[], integer, bigint[], text[], bigint[], integer, double precision, double precision, double precision,
  double precision[], integer[], double precision[], double precision[], double precision, double precision, boolean, double precision
);

CREATE OR REPLACE FUNCTION provider_limit_even_share(p_window_ms bigint, p_amount bigint, p_need bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN p_window_ms > 2000 THEN p_amount ELSE greatest(p_need, 10, ceil(p_amount * 3 / 50.0)::bigint) END
$$;
