-- What all scripts begin with. Times are those of the server, in milliseconds.
local RECORDS, IMAGES, RESULTS, LINE, TOKENS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local INDEX, ENDED, ROOM, ENDPOINTS = KEYS[6], KEYS[7], KEYS[8], KEYS[9]

-- What a job takes by itself, in bytes; the same as in store/mod.rs.
local RECORD = 4096

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- So many are forgotten at once: whoever runs a script keeps all others waiting.
local SWEPT = 16

local function find(id)
  local text = redis.call('HGET', RECORDS, id)
  return text and cjson.decode(text)
end

local function keep(id, record)
  local text = cjson.encode(record)
  redis.call('HSET', RECORDS, id, text)
  return text
end

local function is_final(record)
  local status = record.job.state.status
  return status ~= 'queued' and status ~= 'running'
end

local function change(record, state)
  record.job.state = state
  record.job.revision = record.job.revision + 1
end

-- Lets go of whoever has it.
local function release(record)
  if record.token then
    redis.call('HDEL', TOKENS, record.token)
    record.token = nil
  end
end

-- A job that this token has, or nothing.
local function held(id, token)
  local record = find(id)
  return record and record.token == token and record
end

-- Gives back what an end does not need: the image, and what the result is smaller than it could be.
local function shrink(id, record, result)
  redis.call('HDEL', IMAGES, id)
  local room = RECORD + (result and #result or 0)
  redis.call('INCRBY', ROOM, room - record.room)
  record.room = room
end

-- Sorts by account and age: all times have 13 digits until the year 2286.
local function place(record)
  return string.format('%s/%013.0f/%s', record.job.account, record.job.created_at, record.job.id)
end

local function sweep()
  local over = redis.call('ZRANGEBYSCORE', ENDED, '-inf', now, 'LIMIT', 0, SWEPT)
  for _, id in ipairs(over) do
    local record = find(id)
    if record then
      redis.call('ZREM', INDEX, place(record))
      redis.call('DECRBY', ROOM, record.room)
      redis.call('HDEL', RECORDS, id)
      redis.call('HDEL', RESULTS, id)
    end
    redis.call('ZREM', ENDED, id)
  end
end
