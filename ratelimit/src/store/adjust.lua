-- Takes tokens from a bucket or gives some back, once per id.
--
-- KEYS[1] the bucket
-- KEYS[2] the record of the id
-- ARGV[1] 1 to give or 0 to take; the rate, the time of the tokens, the largest debt
-- ARGV[2] for how many milliseconds the id is remembered
-- Returns the debt.
local gives, rate, time_of, time_part, most, most_part = unpack('>BI4I7I4I7I4', ARGV[1])
local debt, part, back = find(KEYS[1], rate)
-- Also for a bucket that is full: after new charges, a repeat would give back what it did not take.
local first = call('SET', KEYS[2], '', 'NX', 'PX', ARGV[2])

if first and gives == 1 then
  debt, part = debt - time_of, part - time_part
  if part < 0 then
    debt, part = debt - 1, part + rate
  end
  if debt < 0 then
    debt, part = 0, 0
  end
elseif first and not exceeds(debt, part, most, most_part) then
  -- A debt beyond the largest, which a larger quota left, is not forgiven by a charge.
  debt, part = plus(rate, debt, part, time_of, time_part)
  if exceeds(debt, part, most, most_part) then
    debt, part = most, most_part
  end
end

if debt == 0 and part == 0 then
  call('DEL', KEYS[1])
elseif first or back then
  keep(KEYS[1], rate, debt, part)
end
return pack('>I7I4I4', debt, part, 0)
