-- Takes the cost of every demand, or nothing from any bucket.
--
-- KEYS[n] the bucket of a demand
-- ARGV[n] how: 1 in shadow, 2 not at all, only looking; the rate, the cost, the capacity
-- Returns for each the debt, and 1 if the demand fits or 0.
local granted = true
local demands = {}
for n = 1, #KEYS do
  local how, rate, cost, cost_part, capacity, capacity_part = unpack('>BI4I7I4I7I4', ARGV[n])
  local debt, part, back = find(KEYS[n], rate)
  local after, after_part = plus(rate, debt, part, cost, cost_part)
  local free = cost == 0 and cost_part == 0
  local fits = free or not exceeds(after, after_part, capacity, capacity_part)
  granted = granted and (fits or how ~= 0)
  demands[n] = {
    rate = rate,
    debt = debt,
    part = part,
    after = after,
    after_part = after_part,
    fits = fits,
    takes = fits and not free and how ~= 2,
    moves = back and how ~= 2,
  }
end

local levels = {}
for n = 1, #KEYS do
  local demand = demands[n]
  local takes = granted and demand.takes
  if takes then
    demand.debt, demand.part = demand.after, demand.after_part
  end
  if takes or demand.moves then
    keep(KEYS[n], demand.rate, demand.debt, demand.part)
  end
  levels[n] = pack('>I7I4I4', demand.debt, demand.part, demand.fits and 1 or 0)
end
return table.concat(levels)
