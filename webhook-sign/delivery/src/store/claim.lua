-- Leases records that are due, of one endpoint after the other.
--
-- KEYS[8] what the token has claimed, for a claim that is sent again
-- ARGV[1] the token  ARGV[2] at most so many  ARGV[3] the lease, us  ARGV[4] records of one endpoint at the same time
-- ARGV[5] how long a claim is known, ms
-- Returns {us until there may be more or -1, {endpoint, message, payload, tries, lost}…}
local token, max = ARGV[1], tonumber(ARGV[2])
local reply = { -1 }

local function answer(id, message, payload, record)
  reply[#reply + 1] = { id, message, payload, record[TRIES], record[LOST] }
end

-- Endpoint, message and when it is due, record and payload. With a message and no record, what cannot be read was set
-- aside; without either, nothing can be leased.
local function look_at(id)
  local endpoint = endpoint_of(id)
  local most = endpoint[PROBING] == 1 and 1 or tonumber(ARGV[4])
  local place = head(id)
  if not place or endpoint[COUNT] >= most then
    return endpoint
  end
  local _, _, message, when = parts_of(place)
  local name = name_of(id, message)
  local known, record = pcall(record_of, name)
  local payload = redis.call('HGET', PAYLOADS, name)
  if not (known and record and payload) then
    set_aside(id, message, place)
    return endpoint, message
  end
  return endpoint, message, when, record, payload
end

sweep()
local claimed = redis.call('GET', KEYS[8])
if claimed then
  for _, pair in ipairs(cmsgpack.unpack(claimed)) do
    local name = name_of(pair[1], pair[2])
    local known, record = pcall(record_of, name)
    local payload = redis.call('HGET', PAYLOADS, name)
    if known and record and payload and record[STATE] == SENDING and record[TOKEN] == token then
      answer(pair[1], pair[2], payload, record)
    end
  end
  return reply
end

-- Each that is served gets a turn of its own, a microsecond apart, which may be a little after now. An endpoint that cannot
-- be read is passed by: it would take with it all that was leased before it.
local pairs_of, unread, unreadable, failure, aside, progress = {}, {}, 0, nil, 0, true
while #pairs_of < max and progress and aside < SWEEP do
  progress = false
  local due = redis.call('ZRANGEBYSCORE', READY, '-inf', now + max, 'LIMIT', 0, max - #pairs_of + unreadable)
  for _, id in ipairs(due) do
    local known, endpoint, message, when, record, payload = true, nil, nil, nil, nil, nil
    if not unread[id] then
      known, endpoint, message, when, record, payload = pcall(look_at, id)
    end
    if not known then
      failure, unread[id], unreadable, progress = endpoint, true, unreadable + 1, true
    elseif unread[id] or #pairs_of >= max then
      -- Not now.
    elseif message and not record then
      aside, progress = aside + 1, true
    elseif not record then
      -- It is looked at again when one of its records is settled.
      redis.call('ZREM', READY, id)
      progress = true
    elseif when <= now and endpoint[PAUSED] <= now then
      record[TOKEN], record[SETTLED], record[TRIES] = token, 0, record[TRIES] + 1
      move(id, message, record, SENDING, later(ARGV[3]))
      endpoint[COUNT], endpoint[SERVED] = endpoint[COUNT] + 1, now + #pairs_of
      keep(id, endpoint)
      answer(id, message, payload, record)
      pairs_of[#pairs_of + 1] = { id, message }
      progress = true
    end
  end
end
if failure and #pairs_of == 0 then
  -- What is caught is a text, or what was raised, as the server's version is.
  error(type(failure) == 'table' and failure or { err = failure })
end
if #pairs_of > 0 then
  redis.call('SET', KEYS[8], cmsgpack.pack(pairs_of), 'PX', ARGV[5])
end
for _, times in ipairs({ READY, TIMERS }) do
  local soonest = redis.call('ZRANGE', times, 0, 0, 'WITHSCORES')[2]
  if soonest then
    local left = math.max(tonumber(soonest) - now, 0)
    if reply[1] < 0 or left < reply[1] then
      reply[1] = left
    end
  end
end
return reply
