-- What all scripts share. All keys of an outbox are in KEYS, and on one hash slot.
--
-- KEYS[1] records: a hash of what is known of each, by endpoint and message
-- KEYS[2] payloads: a hash of what is sent, of those that may still be
-- KEYS[3] index: a sorted set without scores, of each record in its state, in the order of times
-- KEYS[4] timers: when leases end, when records are forgotten, and when pauses end of endpoints that have none
-- KEYS[5] ready: when each endpoint can be served next
-- KEYS[6] endpoints: a hash of what is known of each
-- KEYS[7] lanes: a hash of the orders that are in use, and of the records that use them
--
-- Times are microseconds of the server's clock. Names have no byte below 33, so that a zero byte ends them.

local RECORDS, PAYLOADS, INDEX, TIMERS, READY, ENDPOINTS, LANES = unpack(KEYS)
local QUEUED, WAITING, SENDING, DELIVERED, DEAD = 'q', 'w', 'l', 's', 'd'
local END, ATTEMPT, ATTEMPTS, SWEEP = 9999999999999999, 16, 32, 64
-- The most that a claim leases, each a microsecond after the other; and a minute.
local TURNS, MINUTE, MONTH = 256, 60000000, 2592000000000
-- Reasons: of an endpoint, that somebody said so; of a dead letter, that it cannot be read.
local MANUAL, UNREADABLE = 1, 9

-- A record. Of one that waits, its time is 0, and SETTLED is after how long it was to be due.
local STATE, WHEN, SEQUENCE, TOKEN, SETTLED, TRIES, REASON, ORDER, CREATED, LOG = 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
-- BECAME is what settling it did to its endpoint: 1 if that has recovered, and twice the reason if it is disabled. LOST is
-- how many attempts came to nothing.
local BECAME, LOST = 12, 13
-- An endpoint
local COUNT, PAUSED, PROBING, FAILURES, REFUSALS, SINCE, DISABLED, SERVED, KEPT = 1, 2, 3, 4, 5, 6, 7, 8, 9

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

local function later(by)
  return math.min(now + tonumber(by), END)
end

-- What each field is, by its first letter: whoever reads a record may then go on to write without a fear of it.
local RECORD, ENDPOINT = 'nsnnsnnnsnsnn', 'nnnnnnnnn'

local function unpacked(text, shape)
  local ok, value = pcall(cmsgpack.unpack, text)
  if not ok or type(value) ~= 'table' or #value ~= #shape then
    return nil
  end
  for at = 1, #shape do
    if type(value[at]):sub(1, 1) ~= shape:sub(at, at) then
      return nil
    end
  end
  return value
end

local function name_of(endpoint, message)
  return endpoint .. '\0' .. message
end

-- Raised to the caller: redis.call errors end a script, and so does this.
local function incompatible()
  error({ err = 'INCOMPATIBLE a record that this version did not write' })
end

local function record_of(name)
  local text = redis.call('HGET', RECORDS, name)
  if not text then
    return nil
  end
  local record = unpacked(text, RECORD)
  if not record or record[1] ~= 1 then
    incompatible()
  end
  return record
end

local function endpoint_of(name)
  local text = redis.call('HGET', ENDPOINTS, name)
  if not text then
    return { 0, 0, 0, 0, 0, 0, 0, 0, 0 }
  end
  local endpoint = unpacked(text, ENDPOINT)
  if not endpoint then
    incompatible()
  end
  return endpoint
end

-- How many records of an endpoint there are, in a state or in all.
local function count(id, state)
  local from = id .. '\0' .. state
  return redis.call('ZLEXCOUNT', INDEX, '[' .. from, '(' .. from .. '\255')
end

-- An endpoint of which nothing is known but its records.
local function recounted(id)
  return { count(id, SENDING), 0, 0, 0, 0, 0, 0, 0, count(id, '') }
end

local function next_sequence()
  return redis.call('HINCRBY', ENDPOINTS, '\0sequence', 1)
end

local function place_of(endpoint, message, record)
  local lane = ''
  if record[STATE] == WAITING then
    lane = record[ORDER] .. '\0'
  end
  local order = string.format('%016.0f%012.0f', record[WHEN], record[SEQUENCE])
  return endpoint .. '\0' .. record[STATE] .. lane .. order .. message
end

-- Endpoint, state, message and time of a place.
local function parts_of(place)
  local zero = place:find('\0', 1, true)
  local state, rest = place:sub(zero + 1, zero + 1), place:sub(zero + 2)
  if state == WAITING then
    rest = rest:sub(rest:find('\0', 1, true) + 1)
  end
  return place:sub(1, zero - 1), state, rest:sub(29), tonumber(rest:sub(1, 16))
end

local function has_timer(state)
  return state == SENDING or state == DELIVERED or state == DEAD
end

-- Takes a record out of its place; it is to be put somewhere else.
local function take(endpoint, message, record)
  redis.call('ZREM', INDEX, place_of(endpoint, message, record))
  if has_timer(record[STATE]) then
    redis.call('ZREM', TIMERS, name_of(endpoint, message))
  end
end

local function put(endpoint, message, record)
  local name = name_of(endpoint, message)
  redis.call('HSET', RECORDS, name, cmsgpack.pack(record))
  redis.call('ZADD', INDEX, 0, place_of(endpoint, message, record))
  if has_timer(record[STATE]) then
    redis.call('ZADD', TIMERS, record[WHEN], name)
  end
end

local function move(endpoint, message, record, state, when)
  take(endpoint, message, record)
  record[STATE], record[WHEN] = state, when
  put(endpoint, message, record)
end

-- The first place that begins so and goes on with a time.
local function first_from(from)
  return redis.call('ZRANGEBYLEX', INDEX, '[' .. from, '[' .. from .. ':', 'LIMIT', 0, 1)[1]
end

-- The place of the record of an endpoint that is due first.
local function head(id)
  return first_from(id .. '\0' .. QUEUED)
end

-- Keeps an endpoint, with when it can be served next. One that was served is behind those that were not.
local function keep(name, endpoint)
  if endpoint[KEPT] <= 0 and endpoint[DISABLED] == 0 then
    if endpoint[PAUSED] <= now then
      redis.call('HDEL', ENDPOINTS, name)
      redis.call('ZREM', READY, name)
      redis.call('ZREM', TIMERS, name)
      return
    end
    -- Then there is nothing to remember.
    redis.call('ZADD', TIMERS, endpoint[PAUSED], name)
  end
  redis.call('HSET', ENDPOINTS, name, cmsgpack.pack(endpoint))
  local place = endpoint[DISABLED] == 0 and head(name)
  if place then
    local _, _, _, when = parts_of(place)
    -- If that is yet to come, the clock went back.
    local served = endpoint[SERVED] <= now + TURNS and endpoint[SERVED] or now
    redis.call('ZADD', READY, math.max(when, endpoint[PAUSED], served), name)
  else
    redis.call('ZREM', READY, name)
  end
end

-- A new state for a record that is in no place yet: it waits if its order is in use, and else uses it.
local function line_up(endpoint, message, record)
  if record[ORDER] == '' then
    return
  end
  local lane = name_of(endpoint, record[ORDER])
  if redis.call('HSETNX', LANES, lane, 1) == 0 then
    record[STATE] = WAITING
  else
    redis.call('HSET', LANES, '\0' .. name_of(endpoint, message), record[ORDER])
  end
end

-- The next of the order that a record uses, if there is one, is queued. Which order that is stands beside the record, for
-- when that cannot be read.
local function let_next(endpoint, message)
  local used_by = '\0' .. name_of(endpoint, message)
  local order = redis.call('HGET', LANES, used_by)
  if not order then
    return
  end
  redis.call('HDEL', LANES, used_by)
  -- They wait in the order in which they came, whenever they are due.
  local from = endpoint .. '\0' .. WAITING .. order .. '\0'
  local place = first_from(from)
  if not place then
    redis.call('HDEL', LANES, name_of(endpoint, order))
    return
  end
  local next = place:sub(#from + 29)
  redis.call('HSET', LANES, '\0' .. name_of(endpoint, next), order)
  local known, waiting = pcall(record_of, name_of(endpoint, next))
  if known and waiting then
    take(endpoint, next, waiting)
    waiting[STATE], waiting[WHEN] = QUEUED, math.max(now, waiting[CREATED] + waiting[SETTLED])
    waiting[SETTLED] = 1
    put(endpoint, next, waiting)
  else
    -- Whoever is to claim it sets it aside.
    redis.call('ZREM', INDEX, place)
    redis.call('ZADD', INDEX, 0, place_of(endpoint, next, { [STATE] = QUEUED, [WHEN] = now, [SEQUENCE] = 0 }))
  end
end

-- Makes a dead letter of a record that cannot be read, so that nobody waits for it and it is seen. Its payload stays, if
-- there is one.
local function set_aside(id, message, place)
  local _, state = parts_of(place)
  redis.call('ZREM', INDEX, place)
  let_next(id, message)
  put(id, message, { 1, DEAD, now + MONTH, next_sequence(), '', 1, 0, UNREADABLE, '', now, '', 0, 0 })
  local known, endpoint = pcall(endpoint_of, id)
  if known then
    if state == SENDING then
      endpoint[COUNT] = math.max(endpoint[COUNT] - 1, 0)
    end
    keep(id, endpoint)
  end
end

-- Leaves nothing of a record.
local function erase(id, message, place)
  local name = name_of(id, message)
  redis.call('ZREM', INDEX, place)
  redis.call('ZREM', TIMERS, name)
  redis.call('HDEL', RECORDS, name)
  redis.call('HDEL', PAYLOADS, name)
  let_next(id, message)
end

-- May this token still settle it?
local function is_held(record, token)
  local open = record[STATE] == SENDING or (record[STATE] == QUEUED and record[SETTLED] == 0)
  return open and record[TOKEN] == token
end

-- The attempt of a lease that had run out is not lost.
local function find_again(record)
  record[LOST] = math.max(record[LOST] - 1, 0)
end

-- The place of a record of which only the name is known, and when something happens to it.
local function place_at(id, message, when)
  for _, state in ipairs({ SENDING, DELIVERED, DEAD }) do
    local from = id .. '\0' .. state .. string.format('%016.0f', when)
    -- So many are leased with one claim.
    for _, place in ipairs(redis.call('ZRANGEBYLEX', INDEX, '[' .. from, '[' .. from .. ':', 'LIMIT', 0, TURNS)) do
      local _, _, it = parts_of(place)
      if it == message then
        return place
      end
    end
  end
end

-- Its time has come: its lease has run out, or it was kept long enough.
local function time_is_up(id, message, endpoint, when)
  local name = name_of(id, message)
  local known, record = pcall(record_of, name)
  local place
  if known and record then
    place = place_of(id, message, record)
  else
    place = place_at(id, message, when)
  end
  local _, state
  if place then
    _, state = parts_of(place)
  end
  if not place then
    redis.call('ZREM', TIMERS, name)
  elseif state ~= SENDING then
    erase(id, message, place)
    endpoint[KEPT] = endpoint[KEPT] - 1
    keep(id, endpoint)
  elseif known and record then
    endpoint[COUNT] = math.max(endpoint[COUNT] - 1, 0)
    record[LOST] = record[LOST] + 1
    move(id, message, record, QUEUED, now)
    keep(id, endpoint)
  else
    set_aside(id, message, place)
  end
end

-- Queues what was leased to somebody who has not been heard of since, and forgets what has been kept long enough.
local function sweep()
  local due = redis.call('ZRANGEBYSCORE', TIMERS, '-inf', now, 'WITHSCORES', 'LIMIT', 0, SWEEP)
  for at = 1, #due, 2 do
    local name = due[at]
    local zero = name:find('\0', 1, true)
    local id = zero and name:sub(1, zero - 1) or name
    local known, endpoint = pcall(endpoint_of, id)
    if not known then
      -- Others are not to wait until somebody enables it.
      redis.call('ZADD', TIMERS, now + MINUTE, name)
    elseif zero then
      time_is_up(id, name:sub(zero + 1), endpoint, tonumber(due[at + 1]))
    else
      redis.call('ZREM', TIMERS, name)
      keep(id, endpoint)
    end
  end
end
