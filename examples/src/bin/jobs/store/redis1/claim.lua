-- ARGV[1] the token  [2] the lease  [3] how often a job is begun  [4] the state of one that was begun too often.
sweep()
local token = ARGV[1]

local function claimed(id, record)
  return { cjson.encode(record.job), redis.call('HGET', IMAGES, id) or '' }
end

local known = redis.call('HGET', TOKENS, token)
if known then
  local record = held(known, token)
  if record then
    return claimed(known, record)
  end
  redis.call('HDEL', TOKENS, token)
end

local id = redis.call('ZRANGEBYSCORE', LINE, '-inf', now, 'LIMIT', 0, 1)[1]
if not id then
  return false
end
local record = find(id)
if not record then
  redis.call('ZREM', LINE, id)
  return false
end
release(record)
if not is_final(record) and record.job.attempts >= tonumber(ARGV[3]) then
  change(record, cjson.decode(ARGV[4]))
  shrink(id, record)
elseif not is_final(record) then
  record.job.attempts = record.job.attempts + 1
  change(record, { status = 'running', progress = 0 })
end
record.token = token
redis.call('HSET', TOKENS, token, id)
redis.call('ZADD', LINE, now + ARGV[2], id)
keep(id, record)
return claimed(id, record)
