-- Leases records that are due, of one endpoint after the other.
--
-- KEYS[8] what the token has claimed, for a claim that is sent again
-- ARGV[1] the token  ARGV[2] at most so many  ARGV[3] the lease, us  ARGV[4] records of one endpoint at the same time
-- ARGV[5] how long a claim is known, ms
-- Returns {us until there may be more or -1, {endpoint, message, payload, tries, failures, failing for us, probing}…}
local token, max = ARGV[1], tonumber(ARGV[2])
local reply = { -1 }

local function answer(id, message, record, endpoint)
  local payload = redis.call('HGET', PAYLOADS, name_of(id, message))
  local failures, failing, probing = health(endpoint)
  reply[#reply + 1] = { id, message, payload or '', record[TRIES], failures, failing, probing }
end

sweep()
local claimed = redis.call('GET', KEYS[8])
if claimed then
  for _, pair in ipairs(cmsgpack.unpack(claimed)) do
    local record = record_of(name_of(pair[1], pair[2]))
    if record and record[STATE] == SENDING and record[TOKEN] == token then
      answer(pair[1], pair[2], record, endpoint_of(pair[1]))
    end
  end
  return reply
end

-- Each that is served gets a turn of its own, a microsecond apart, which may be a little after now.
local pairs_of, progress = {}, true
while #pairs_of < max and progress do
  progress = false
  local due = redis.call('ZRANGEBYSCORE', READY, '-inf', now + max, 'LIMIT', 0, max - #pairs_of)
  for _, id in ipairs(due) do
    local endpoint = endpoint_of(id)
    local most = tonumber(ARGV[4])
    if endpoint[PROBING] == 1 then
      most = 1
    end
    local message, when = first(id, QUEUED)
    local record = message and record_of(name_of(id, message))
    if not record or endpoint[COUNT] >= most then
      -- It is looked at again when one of its records is settled.
      redis.call('ZREM', READY, id)
      progress = true
    elseif when <= now and endpoint[PAUSED] <= now then
      record[TOKEN], record[SETTLED], record[TRIES] = token, 0, record[TRIES] + 1
      move(id, message, record, SENDING, later(ARGV[3]))
      endpoint[COUNT], endpoint[SERVED] = endpoint[COUNT] + 1, now + #pairs_of
      keep(id, endpoint)
      answer(id, message, record, endpoint)
      pairs_of[#pairs_of + 1] = { id, message }
      progress = true
    end
  end
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
