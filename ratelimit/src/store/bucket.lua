-- Before each script: how a bucket is found and kept.
--
-- A bucket is 23 bytes, big-endian: the version 1; when it will be full, in whole microseconds
-- since 1970, and the part of one in units of 1 / rate; that rate; and its debt when it was written,
-- in whole microseconds. A debt is passed as two numbers, whole microseconds and the part. All
-- numbers are whole and below 2^53, up to which a double is exact.
local call, pack, unpack = redis.call, struct.pack, struct.unpack
local time = call('TIME')
local now = time[1] * 1000000 + time[2]

-- The debt, and whether the clock has gone back since the bucket was written. The debt is then what
-- it was at that time: a clock adds none.
local function find(key, rate)
  local record = call('GET', key)
  if not record then
    return 0, 0
  end
  if #record ~= 23 or record:byte() ~= 1 then
    error({ err = 'INCOMPATIBLE the bucket has an unknown version' })
  end
  local full, part, counted_by, written = unpack('>I7I4I4I7', record, 2)
  local debt = full - now
  if debt < 0 then
    return 0, 0
  end
  local back = debt > written
  if back then
    debt = written
  end
  if counted_by ~= rate and part > 0 then
    return debt + 1, 0, back
  end
  return debt, part, back
end

-- It expires in the first millisecond in which it is full. By PX it might do so earlier: that counts
-- from a time which the server rounds down.
local function keep(key, rate, debt, part)
  local full = now + debt
  local record = pack('>BI7I4I4I7', 1, full, part, rate, debt)
  call('SET', key, record, 'PXAT', math.floor(full / 1000) + 1)
end

local function plus(rate, debt, part, more, more_part)
  part = part + more_part
  if part < rate then
    return debt + more, part
  end
  return debt + more + 1, part - rate
end

local function exceeds(debt, part, most, most_part)
  return debt > most or debt == most and part > most_part
end
