-- Takes the cost of one demand, or nothing: what acquire.lua does, without its loops.
--
-- KEYS[1] the bucket
-- ARGV[1] how: 1 in shadow, 2 not at all, only looking; the rate, the cost, the capacity
-- Returns the debt, and 1 if the demand fits or 0.
local how, rate, cost, cost_part, capacity, capacity_part = unpack('>BI4I7I4I7I4', ARGV[1])
local debt, part, back = find(KEYS[1], rate)
local after, after_part = plus(rate, debt, part, cost, cost_part)
local free = cost == 0 and cost_part == 0
local fits = free or not exceeds(after, after_part, capacity, capacity_part)
if how ~= 2 then
  if fits then
    debt, part = after, after_part
  end
  if back or fits and not free then
    keep(KEYS[1], rate, debt, part)
  end
end
return pack('>I7I4I4', debt, part, fits and 1 or 0)
