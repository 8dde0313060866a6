-- What all scripts share. All keys of an outbox are in KEYS, and on one hash slot.
--
-- KEYS[1] records: a hash of what is known of each, by endpoint and message
-- KEYS[2] payloads: a hash of what is sent, of those that may still be
-- KEYS[3] index: a sorted set without scores, of each record in its state, in the order of times
-- KEYS[4] timers: when leases end, and when records are forgotten
-- KEYS[5] ready: when each endpoint can be served next
-- KEYS[6] endpoints: a hash of what is known of each
-- KEYS[7] lanes: a hash of the orders that are in use
--
-- Times are microseconds of the server's clock. Names have no byte below 33, so that a zero byte ends them.

local RECORDS, PAYLOADS, INDEX, TIMERS, READY, ENDPOINTS, LANES = unpack(KEYS)
local QUEUED, WAITING, SENDING, DELIVERED, DEAD = 'q', 'w', 'l', 's', 'd'
local END, ATTEMPT, ATTEMPTS, SWEEP = 9999999999999999, 16, 32, 64
-- The most that a claim leases, each a microsecond after the other; and a minute.
local TURNS, MINUTE = 256, 60000000

-- A record. Of one that waits, its time is 0, and SETTLED is after how long it was to be due.
local STATE, WHEN, SEQUENCE, TOKEN, SETTLED, TRIES, REASON, ORDER, CREATED, LOG = 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
-- What settling it did to its endpoint: 1 if that has recovered, and twice the reason if it is disabled
-- LOST is how many of the attempts came to nothing.
local BECAME, LOST, FIELDS = 12, 13, 13
-- An endpoint
local COUNT, PAUSED, PROBING, FAILURES, REFUSALS, SINCE, DISABLED, SERVED, KEPT = 1, 2, 3, 4, 5, 6, 7, 8, 9

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])

local function later(by)
  return math.min(now + tonumber(by), END)
end

local function unpacked(text)
  local ok, value = pcall(cmsgpack.unpack, text)
  if ok and type(value) == 'table' and value[1] ~= nil then
    return value
  end
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
  local record = unpacked(text)
  if not record or record[1] ~= 1 or #record ~= FIELDS then
    incompatible()
  end
  return record
end

local function endpoint_of(name)
  local text = redis.call('HGET', ENDPOINTS, name)
  if not text then
    return { 0, 0, 0, 0, 0, 0, 0, 0, 0 }
  end
  local endpoint = unpacked(text)
  if not endpoint or #endpoint ~= KEPT then
    incompatible()
  end
  return endpoint
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

-- The message of the first record of an endpoint in a state, and its time. The states of waiting records have their lane.
local function first(endpoint, state)
  local from = endpoint .. '\0' .. state
  local place = redis.call('ZRANGEBYLEX', INDEX, '[' .. from, '[' .. from .. ':', 'LIMIT', 0, 1)[1]
  if place then
    return place:sub(#from + 29), tonumber(place:sub(#from + 1, #from + 16))
  end
end

-- Keeps an endpoint, with when it can be served next. One that was served is behind those that were not.
local function keep(name, endpoint)
  local idle = endpoint[KEPT] <= 0 and endpoint[DISABLED] == 0 and endpoint[PAUSED] <= now
  if idle then
    redis.call('HDEL', ENDPOINTS, name)
    redis.call('ZREM', READY, name)
    return
  end
  redis.call('HSET', ENDPOINTS, name, cmsgpack.pack(endpoint))
  local message, when = first(name, QUEUED)
  if message and endpoint[DISABLED] == 0 then
    -- If that is yet to come, the clock went back.
    local served = endpoint[SERVED] <= now + TURNS and endpoint[SERVED] or now
    redis.call('ZADD', READY, math.max(when, endpoint[PAUSED], served), name)
  else
    redis.call('ZREM', READY, name)
  end
end

-- A new state for a record that is in no place yet: it waits if its order is in use, and else uses it.
local function line_up(endpoint, record)
  if record[ORDER] == '' then
    return
  end
  local lane = name_of(endpoint, record[ORDER])
  if redis.call('HSETNX', LANES, lane, 1) == 0 then
    record[STATE] = WAITING
  end
end

-- The next of an order, if there is one, is queued.
local function let_next(endpoint, record)
  if record[ORDER] == '' then
    return
  end
  local message = nil
  -- They wait in the order in which they came, whenever they are due.
  local from = endpoint .. '\0' .. WAITING .. record[ORDER] .. '\0'
  local place = redis.call('ZRANGEBYLEX', INDEX, '[' .. from, '[' .. from .. ':', 'LIMIT', 0, 1)[1]
  if place then
    message = place:sub(#from + 29)
    local waiting = record_of(name_of(endpoint, message))
    if not waiting then
      incompatible()
    end
    take(endpoint, message, waiting)
    waiting[STATE], waiting[WHEN] = QUEUED, math.max(now, waiting[CREATED] + waiting[SETTLED])
    waiting[SETTLED] = 1
    put(endpoint, message, waiting)
  else
    redis.call('HDEL', LANES, name_of(endpoint, record[ORDER]))
  end
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

-- Queues what was leased to somebody who has not been heard of since, and forgets what has been kept long enough.
local function sweep()
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', TIMERS, '-inf', now, 'LIMIT', 0, SWEEP)) do
    local zero = name:find('\0', 1, true)
    local id, message = name:sub(1, zero - 1), name:sub(zero + 1)
    local known, record, endpoint = pcall(function()
      return record_of(name), endpoint_of(id)
    end)
    if not known then
      -- Others are not to wait for somebody who can read it.
      redis.call('ZADD', TIMERS, now + MINUTE, name)
    elseif not record then
      redis.call('ZREM', TIMERS, name)
    elseif record[STATE] == SENDING then
      endpoint[COUNT] = math.max(endpoint[COUNT] - 1, 0)
      record[LOST] = record[LOST] + 1
      move(id, message, record, QUEUED, now)
      keep(id, endpoint)
    else
      take(id, message, record)
      redis.call('HDEL', RECORDS, name)
      redis.call('HDEL', PAYLOADS, name)
      endpoint[KEPT] = endpoint[KEPT] - 1
      keep(id, endpoint)
    end
  end
end
