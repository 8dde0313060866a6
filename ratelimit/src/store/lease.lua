-- Takes as many tokens as there are, up to as many as are wanted; none if there are too few.
--
-- KEYS[1] the bucket
-- ARGV[1] unused; the rate, the time of the tokens that are wanted, the capacity
-- ARGV[2] how many are wanted; below how many it is not worth while; the times of 1, 2, 4, 8, …
--         tokens, up to those that are wanted
-- Returns the debt, and how many were taken.
local _, rate, time_of, time_part, capacity, capacity_part = unpack('>BI4I7I4I7I4', ARGV[1])
local want, least = unpack('>I4I4', ARGV[2])
local debt, part, back = find(KEYS[1], rate)
local tokens, after, after_part = want, plus(rate, debt, part, time_of, time_part)

-- How many fit is a quotient of numbers beyond 2^53. Adding powers of two, the largest first, finds
-- it without a division, and is exact.
if exceeds(after, after_part, capacity, capacity_part) then
  tokens, after, after_part = 0, debt, part
  for power = (#ARGV[2] - 8) / 11 - 1, 0, -1 do
    local more, more_part = unpack('>I7I4', ARGV[2], 9 + 11 * power)
    more, more_part = plus(rate, after, after_part, more, more_part)
    if not exceeds(more, more_part, capacity, capacity_part) then
      tokens, after, after_part = tokens + 2 ^ power, more, more_part
    end
  end
end

if tokens < least then
  tokens = 0
end
if tokens > 0 then
  debt, part = after, after_part
end
if tokens > 0 or back then
  keep(KEYS[1], rate, debt, part)
end
return pack('>I7I4I4', debt, part, tokens)
